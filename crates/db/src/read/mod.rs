//! The read path: cut the viewer's buckets, cover them with stored ones, compute the dirty rest from raw rows, all in one
//! snapshot.

mod board;
mod cell;
mod cells;
mod choose;
mod gather;
mod groupings;
mod loaded;
mod measure;
mod moment;
mod num;
mod query;
mod reading;
mod rows;
mod scope;
mod snapshot;

pub(crate) use choose::Chosen;
pub(crate) use moment::READING;

pub use loaded::LoadedBoard;

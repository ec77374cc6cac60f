//! Tidemark's core: declarations and their compiler, buckets, zones, covers, mergeable statistics.
//!
//! No I/O and no clock: `now` is passed in.

pub mod api;
pub mod axis;
pub mod board_check;
mod board_default;
pub mod board_file;
pub mod board_spec;
pub mod capture;
pub mod cover;
pub mod difference;
pub mod draft;
pub mod exact;
pub mod format;
pub mod grain;
pub mod group;
pub mod kmv;
pub mod model;
pub mod probe;
pub mod sketch;
pub mod spec;
pub mod sql;
pub mod suggest;
pub mod times;
pub mod zone;
pub mod zone_search;

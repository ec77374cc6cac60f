//! Tidemark's core: declarations and their compiler, buckets, zones, covers, mergeable statistics.
//!
//! No I/O and no clock: `now` is passed in.

pub mod api;
pub mod board_spec;
pub mod cover;
pub mod grain;
pub mod sketch;
pub mod suggest;
pub mod zone;
pub mod dd;
pub mod moments;
pub mod model;
pub mod spec;
pub mod sql;
pub mod axis;
pub mod format;
pub mod times;
pub mod zone_search;

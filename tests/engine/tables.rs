//! Kinds of tables and columns: each is exact through inserts, updates and deletes, from the rollup alone once drained.

mod columns;
mod partitions;
mod times;

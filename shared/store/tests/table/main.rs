//! Reads and writes against a database, and against one that fails.

mod bucket;
mod commit;
mod page;
mod thing;

//! Reads and writes against a database, and against one that fails.

mod commit;
mod page;
mod thing;

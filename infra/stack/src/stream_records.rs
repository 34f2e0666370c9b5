//! The stream table of the embedded database, so that the database stays as quick as it was at the start.
//!
//! `dynoxide` keeps each stream record for ever, and looks for the largest number among all of them with each write,
//! without an index. This opens its `SQLite` file a second time, gives the table the index that it lacks, and removes the
//! records that the pump has handed on.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

/// What `dynoxide` asks of its stream table goes by table and number.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS stream_records_by_number
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)";

/// By this much the number that the API shows is larger than the one in the table.
const OFFSET: i128 = 100_000_000_000_000_000_000;

/// The stream records of a database that is kept in a file.
#[derive(Clone, Debug)]
pub struct StreamRecords(Arc<Mutex<Connection>>);

impl StreamRecords {
    /// Those of the database in `file`, which has been opened before and so has its tables.
    pub fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(INDEX)?;
        // What a crash brings back is removed again: no removal is worth waiting for the disk.
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Has no file written through to the disk: all of it goes when the stack does.
    pub fn keep_in_cache(&self) -> Result<()> {
        self.with(|connection| connection.execute_batch("PRAGMA synchronous = OFF"))
    }

    /// Removes the records of `table` before the one with this number, as the API shows it. That one stays: the next
    /// number is made from the largest that is there.
    pub async fn remove_before(&self, table: &str, number: &str) -> Result<usize> {
        let number: i128 = number.parse().with_context(|| format!("{number} is no number of a record"))?;
        let stored = i64::try_from(number - OFFSET)?;
        let (records, table) = (self.clone(), table.to_owned());
        // SQLite may have to wait for a write of the database.
        let removed = tokio::task::spawn_blocking(move || {
            let sql =
                "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2";
            records.with(|connection| connection.execute(sql, params![table, stored]))
        });
        removed.await?
    }

    /// How many records of `table` there are.
    pub fn count(&self, table: &str) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1";
        self.with(|connection| connection.query_row(sql, [table], |row| row.get(0)))
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        Ok(run(&self.0.lock().unwrap_or_else(PoisonError::into_inner))?)
    }
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::*;

    #[test]
    fn the_database_finds_its_numbers_by_the_index() {
        let file = std::env::temp_dir().join(format!("stream-records-{}.sqlite", std::process::id()));
        let database = Database::new(file.to_str().unwrap()).unwrap();
        let records = StreamRecords::open(&file).unwrap();
        // As `dynoxide` asks them: at each write, at each poll, and for the records themselves.
        for sql in [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 't'",
            "SELECT event_name, keys_json FROM _stream_records WHERE table_name = 't' AND shard_id = 's'
             AND CAST(sequence_number AS INTEGER) > 1 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9",
        ] {
            let plan = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
                let mut steps = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                steps.query_map([], |row| row.get("detail"))?.collect()
            };
            let plan = records.with(plan).unwrap();
            assert!(plan.iter().all(|step| step.contains("stream_records_by_number")), "{plan:?}");
        }
        drop((database, records));
        std::fs::remove_file(file).unwrap();
    }
}

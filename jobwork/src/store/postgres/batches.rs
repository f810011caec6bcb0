//! Looking at batches.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::rows::{batch_id, batch_row_of, job_id, time};
use super::server::Server;
use super::text;
use crate::job::{BatchId, BatchRecord};
use crate::store::BatchFilter;
use crate::store::tally::Tally;

const BATCH: &str = "SELECT b.*, p.created_at AS parent_at FROM @.batches b LEFT JOIN @.batches p ON p.seq = b.parent";

pub(super) async fn get(server: &Server, id: BatchId) -> Result<Option<BatchRecord>, Failed> {
    let (seq, created_at) = batch_row_of(id);
    let sql = format!("{BATCH} WHERE b.seq = $1 AND b.created_at = $2");
    Ok(server.call(&sql, &[(&seq, Type::INT8), (&created_at, Type::INT8)]).await?.first().map(record))
}

pub(super) async fn list(server: &Server, filter: &BatchFilter) -> Result<Vec<BatchRecord>, Failed> {
    // An id that no store of this kind gave out comes before everything.
    let before = filter.before.map_or(i64::MAX, |id| batch_row_of(id).0);
    let (parent, parent_at) = filter.parent.map(batch_row_of).unzip();
    let limit = filter.limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = format!(
        "{BATCH} WHERE b.seq < $1 AND ($2::bigint IS NULL OR p.seq = $2 AND p.created_at = $3)
         ORDER BY b.seq DESC LIMIT $4"
    );
    let params = [
        (&before as _, Type::INT8),
        (&parent as _, Type::INT8),
        (&parent_at as _, Type::INT8),
        (&limit as _, Type::INT8),
    ];
    Ok(server.call(&sql, &params).await?.iter().map(record).collect())
}

fn record(row: &Row) -> BatchRecord {
    let created_at = row.get("created_at");
    let mut record =
        BatchRecord::new(batch_id(row.get("seq"), created_at), text::given(row.get("description")), time(created_at));
    let (parent, parent_at): (Option<i64>, Option<i64>) = (row.get("parent"), row.get("parent_at"));
    record.parent = parent.zip(parent_at).map(|(seq, created_at)| batch_id(seq, created_at));
    // A batch and its callbacks are dispatched in one push, so they share its time.
    let job = |column: &str| row.get::<_, Option<i64>>(column).map(|seq| job_id(seq, created_at));
    record.on_complete = job("on_complete");
    record.on_success = job("on_success");
    record.on_death = job("on_death");
    tally(row).report(&mut record);
    record
}

fn tally(row: &Row) -> Tally {
    let count = |column: &str| row.get::<_, i64>(column).unsigned_abs();
    let when = |column: &str| row.get::<_, Option<i64>>(column).map(time);
    Tally {
        total: count("total"),
        ran: count("ran"),
        ended: count("ended"),
        succeeded: count("succeeded"),
        dead: count("dead"),
        cancelled: count("cancelled"),
        completed_at: when("completed_at"),
        succeeded_at: when("succeeded_at"),
        died_at: when("died_at"),
        finished_at: when("finished_at"),
    }
}

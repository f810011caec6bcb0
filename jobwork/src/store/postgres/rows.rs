//! Between rows and the types of the domain.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::text::given;
use crate::job::{BatchId, Claimed, JobId, JobState, Lease, Member, Progress, Record, WorkerId};
use crate::store::limits::told;

/// The numbers that stand for states; scheduled is ready with a later time. Only what is read says that a job runs (2).
pub(super) const RUNNING: i16 = 2;

/// The state of a job with this number and due time.
pub(super) fn job_state(number: i16, run_at: i64, now: i64) -> JobState {
    match number {
        0 => JobState::Waiting,
        1 if run_at > now => JobState::Scheduled,
        1 | -1 => JobState::Ready,
        RUNNING => JobState::Running,
        3 => JobState::Completed,
        4 => JobState::Cancelled,
        5 => JobState::Discarded,
        _ => JobState::Dead,
    }
}

/// A time as it is stored, in milliseconds; never before 1970, because ids can't be.
pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond().max(0)
}

/// A length of time as it is stored, in milliseconds. Added to any time it does not overflow.
pub(super) fn duration(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX).min(1 << 61)
}

/// A stored time; one that no calendar has is its end.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// The highest number of a row that has an id.
const LAST: i64 = (1 << 62) - 1;

/// The id of a row. A number that was never given leads to no row.
pub(super) fn job_id(seq: i64, created_at: i64) -> JobId {
    JobId::derive(seq.clamp(0, LAST).unsigned_abs(), time(created_at))
}

/// The id of a batch's row.
pub(super) fn batch_id(seq: i64, created_at: i64) -> BatchId {
    BatchId::derive(seq.clamp(0, LAST).unsigned_abs(), time(created_at))
}

/// The row that an id leads to, and the dispatch time which that row must have to be the one meant; of no row for a foreign one.
pub(super) fn row_of(id: JobId) -> (i64, i64) {
    parts(id.parts())
}

/// As [`row_of`], for a batch.
pub(super) fn batch_row_of(id: BatchId) -> (i64, i64) {
    parts(id.parts())
}

fn parts(parts: Option<(u64, i64)>) -> (i64, i64) {
    let (seq, created_at) = parts.unwrap_or((0, -1));
    (i64::try_from(seq).unwrap_or(0), created_at)
}

/// A number that is never negative where it is stored.
pub(super) fn unsigned(number: i32) -> u32 {
    number.max(0).unsigned_abs()
}

fn large(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A row of the function `claim` as the job that `worker` gets.
pub(super) fn claimed(row: &Row, worker: WorkerId) -> Claimed {
    let (seq, created_at): (i64, i64) = (row.get("seq"), row.get("created_at"));
    let claim: i64 = row.get("claim");
    let attempt = unsigned(row.get("attempt"));
    let lease = Lease { job: job_id(seq, created_at), attempt, worker, claim: claim.unsigned_abs() };
    let mut job = Claimed::new(lease, row.get("name"), row.get("queue"), given(row.get("args")), time(created_at));
    job.priority = row.get("priority");
    job.retries = large(row.get("retries"));
    job.rescues = unsigned(row.get("rescues"));
    job.run_at = time(row.get("run_at"));
    job.version = large(row.get("version"));
    job.tags = row.get::<_, Option<Vec<String>>>("tags").unwrap_or_default();
    job.chain = member(row.get("chain"), row.get("place"), row.get("on_error"), created_at);
    job.retry_until = row.get::<_, Option<i64>>("retry_until").map(time);
    job.batch = batch(row.get("batch"), row.get("batch_at"));
    job.checkpoint = row.get::<_, Option<String>>("checkpoint").map(given);
    job
}

/// The members of a chain are dispatched in one push, so they share its time.
fn member(first: Option<i64>, position: Option<i64>, on_error: Option<String>, created_at: i64) -> Option<Member> {
    let chain = job_id(first?, created_at);
    Some(Member { chain, position: large(position.unwrap_or(0)), on_error })
}

fn batch(seq: Option<i64>, created_at: Option<i64>) -> Option<BatchId> {
    seq.zip(created_at).map(|(seq, created_at)| batch_id(seq, created_at))
}

/// A row of the view `records` as it is at this time.
pub(super) fn record(row: &Row, now: i64) -> Record {
    let (seq, created_at, run_at): (i64, i64, i64) = (row.get("seq"), row.get("created_at"), row.get("run_at"));
    let id = job_id(seq, created_at);
    let mut job = Record::new(id, row.get("name"), row.get("queue"), given(row.get("args")), time(created_at));
    let at = |column: &str| row.get::<_, Option<i64>>(column).map(time);
    job.attempt = unsigned(row.get("attempt"));
    job.priority = row.get("priority");
    job.retries = large(row.get("retries"));
    job.rescues = unsigned(row.get("rescues"));
    job.run_at = time(run_at);
    job.tags = row.get::<_, Option<Vec<String>>>("tags").unwrap_or_default();
    job.chain = member(row.get("chain"), row.get("place"), row.get("on_error"), created_at);
    job.state = job_state(row.get("state"), run_at, now);
    job.blocked = row.get("blocked");
    job.output = row.get::<_, Option<String>>("output").map(given);
    job.reason = row.get::<_, Option<String>>("reason").map(given);
    job.started_at = at("started_at");
    job.finished_at = at("finished_at");
    job.cancel_requested = row.get::<_, i16>("cancel") != 0;
    job.worker = row.get::<_, Option<uuid::Uuid>>("worker").map(WorkerId::from);
    job.expires_at = at("expires_at");
    job.retry_until = at("retry_until");
    job.retain = row.get::<_, Option<i64>>("retain").map(|millis| Duration::from_millis(millis.unsigned_abs()));
    job.version = large(row.get("version"));
    job.unique_key = row.get::<_, Option<String>>("unique_key").map(given);
    job.ordered = row.get::<_, Option<String>>("ordered").map(given);
    job.batch = batch(row.get("batch"), row.get("batch_at"));
    job.held_by = row.get::<_, Option<String>>("held_by").map(|key| told(&given(key)));
    job.progress = progress(row);
    job
}

fn progress(row: &Row) -> Option<Progress> {
    let message: Option<String> = row.get("message");
    let said_at: Option<i64> = row.get("said_at");
    Some(Progress::new(
        row.get::<_, Option<f64>>("fraction")?,
        message.map(given).unwrap_or_default(),
        time(said_at.unwrap_or(0)),
    ))
}

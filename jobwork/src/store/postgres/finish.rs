//! Writing what became of runs, any number of them in one statement.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::failure::Failed;
use super::hints::TOPICS;
use super::lost::Writing;
use super::rows::{millis, row_of};
use super::server::Server;
use super::text;
use crate::job::{Failure, Finished, Lease, Outcome};
use crate::store::{Settled, Topic};

/// The columns by which the server knows leases. Those of one claim name it together.
#[derive(Debug, Default)]
pub(super) struct Leases {
    pub(super) claims: Vec<i64>,
    pub(super) workers: Vec<Uuid>,
    /// The place of each lease's claim, from 1.
    pub(super) which: Vec<i32>,
    pub(super) seqs: Vec<i64>,
    pub(super) created_ats: Vec<i64>,
    pub(super) attempts: Vec<i32>,
}

impl Leases {
    pub(super) fn of(leases: impl Iterator<Item = Lease>) -> Self {
        let (mut columns, mut places) = (Self::default(), HashMap::new());
        for lease in leases {
            let (seq, created_at) = row_of(lease.job);
            let place = *places.entry((lease.claim, lease.worker)).or_insert_with(|| {
                columns.claims.push(i64::try_from(lease.claim).unwrap_or(i64::MAX));
                columns.workers.push(lease.worker.as_uuid());
                columns.claims.len()
            });
            columns.which.push(i32::try_from(place).unwrap_or(i32::MAX));
            columns.seqs.push(seq);
            columns.created_ats.push(created_at);
            columns.attempts.push(i32::try_from(lease.attempt).unwrap_or(i32::MAX));
        }
        columns
    }
}

/// Writes outcomes, each if its job is still running under its lease.
pub(super) async fn finish(server: &Server, finished: &[Finished]) -> Result<Vec<Settled>, Failed> {
    if finished.is_empty() {
        return Ok(Vec::new());
    }
    let writing = Writing::new(&server.lost, finished);
    let before = writing.written_before();
    let mut partly = false;
    let answer = write(server, finished, &before, &mut partly).await;
    if finished.iter().any(|finished| !matches!(finished.outcome, Outcome::Completed { .. })) {
        server.changed();
    }
    let settled = match answer {
        // What is written already is to be known when all is written again.
        Err(failed) if partly => return Err(failed),
        answer => writing.answered(answer)?,
    };
    server.hints.tell(Topic::Settled);
    server.wake_own(&TOPICS);
    Ok(settled)
}

/// Writes outcomes; those that may have been written `before` are stored if they were.
async fn write(
    server: &Server,
    finished: &[Finished],
    before: &[bool],
    partly: &mut bool,
) -> Result<Vec<Settled>, Failed> {
    let alone = server.sharing.load(Ordering::Relaxed);
    let (mut stored, shared) = ask(server, finished, alone).await?;
    let left: Vec<usize> = (0..stored.len()).filter(|place| stored[*place].is_none()).collect();
    if !left.is_empty() {
        *partly = true;
        let again: Vec<Finished> = left.iter().map(|place| finished[*place].clone()).collect();
        for (place, answer) in left.iter().zip(ask(server, &again, true).await?.0) {
            stored[*place] = answer;
        }
    }
    if shared {
        // Those that were let go may stand anywhere.
        server.changed();
    }
    server.sharing.store(shared, Ordering::Relaxed);
    let mut stored: Vec<bool> = stored.into_iter().map(|stored| stored == Some(true)).collect();
    if before.iter().zip(&stored).any(|(before, stored)| *before && !stored) {
        for ((stored, before), were) in stored.iter_mut().zip(before).zip(were_stored(server, finished).await?) {
            *stored |= before & were;
        }
    }
    Ok(settled(stored))
}

/// Writes outcomes, and says of each whether it was, nothing of one that is to be written alone; and whether any of the jobs shares
/// something with others.
async fn ask(server: &Server, finished: &[Finished], alone: bool) -> Result<(Vec<Option<bool>>, bool), Failed> {
    let leases = Leases::of(finished.iter().map(|finished| finished.lease));
    let outcomes = outcomes(finished);
    let ats = ats(finished);
    let texts: Vec<Option<Cow<'_, str>>> = finished.iter().map(|finished| said(&finished.outcome)).collect();
    let dues: Vec<Option<i64>> = finished.iter().map(|finished| due(&finished.outcome)).collect();
    let failures = finished.iter().map(|finished| finished.outcome.failure().map(failure).transpose());
    let failures = failures.collect::<Result<Vec<_>, _>>().map_err(|error| Failed::Ours(error.to_string()))?;
    let answer = server
        .call_one(
            "SELECT stored, shared FROM @.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                (&leases.claims, Type::INT8_ARRAY),
                (&leases.workers, Type::UUID_ARRAY),
                (&leases.which, Type::INT4_ARRAY),
                (&leases.seqs, Type::INT8_ARRAY),
                (&leases.created_ats, Type::INT8_ARRAY),
                (&leases.attempts, Type::INT4_ARRAY),
                (&outcomes, Type::INT4_ARRAY),
                (&ats, Type::INT8_ARRAY),
                (&texts, Type::TEXT_ARRAY),
                (&dues, Type::INT8_ARRAY),
                (&failures, Type::TEXT_ARRAY),
                (&alone, Type::BOOL),
            ],
        )
        .await?;
    Ok((answer.get("stored"), answer.get("shared")))
}

/// Of each outcome, whether an earlier call has stored it.
async fn were_stored(server: &Server, finished: &[Finished]) -> Result<Vec<bool>, Failed> {
    let leases = Leases::of(finished.iter().map(|finished| finished.lease));
    let places = || leases.which.iter().map(|place| place.unsigned_abs() as usize - 1);
    let workers: Vec<Uuid> = places().map(|place| leases.workers[place]).collect();
    let claims: Vec<i64> = places().map(|place| leases.claims[place]).collect();
    let (outcomes, ats) = (outcomes(finished), ats(finished));
    let params = [
        (&workers as _, Type::UUID_ARRAY),
        (&claims as _, Type::INT8_ARRAY),
        (&leases.seqs as _, Type::INT8_ARRAY),
        (&leases.created_ats as _, Type::INT8_ARRAY),
        (&outcomes as _, Type::INT4_ARRAY),
        (&ats as _, Type::INT8_ARRAY),
    ];
    Ok(server.call_one("SELECT @.were_stored($1, $2, $3, $4, $5, $6)", &params).await?.get(0))
}

fn outcomes(finished: &[Finished]) -> Vec<i32> {
    finished.iter().map(|finished| number(&finished.outcome)).collect()
}

fn ats(finished: &[Finished]) -> Vec<i64> {
    finished.iter().map(|finished| millis(finished.at)).collect()
}

/// What the server says of each.
pub(super) fn settled(stored: Vec<bool>) -> Vec<Settled> {
    stored.into_iter().map(|stored| if stored { Settled::Stored } else { Settled::Lost }).collect()
}

/// The number that stands for an outcome.
fn number(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Completed { .. } => 0,
        Outcome::Retry { .. } => 1,
        Outcome::Snoozed { .. } => 2,
        Outcome::RateLimited { .. } => 3,
        Outcome::Unstarted => 4,
        Outcome::HandedBack { .. } => 5,
        Outcome::Cancelled { .. } => 6,
        Outcome::Discarded { .. } => 7,
        Outcome::Dead { .. } => 8,
    }
}

/// The output, or the reason, of an outcome.
pub(super) fn said(outcome: &Outcome) -> Option<Cow<'_, str>> {
    match outcome {
        Outcome::Completed { output } => Some(text::stored(output)),
        Outcome::Discarded { why } => Some(text::stored(why)),
        Outcome::Dead { reason, .. } => Some(Cow::Owned(reason.to_string())),
        _ => None,
    }
}

fn due(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Retry { at, .. } => Some(millis(*at)),
        Outcome::Snoozed { until } | Outcome::RateLimited { until } => Some(millis(*until)),
        _ => None,
    }
}

/// A failure as JSON of which each text can be looked at: in JSON, too, Postgres can make no text of a zero byte.
fn failure(failure: &Failure) -> serde_json::Result<String> {
    let kept = |text: &String| text::stored(text).into_owned();
    let (detail, middleware) = (failure.detail.as_ref().map(kept), failure.middleware.as_ref().map(kept));
    serde_json::to_string(&Failure { message: kept(&failure.message), detail, middleware, ..*failure })
}

/// A failure as it was given.
pub(super) fn failure_of(json: &str) -> serde_json::Result<Failure> {
    let mut failure: Failure = serde_json::from_str(json)?;
    failure.message = text::given(failure.message);
    failure.detail = failure.detail.map(text::given);
    failure.middleware = failure.middleware.map(text::given);
    Ok(failure)
}

//! New jobs that are handed to a worker of this process in the statement that stores them, and never stand in the line.
//!
//! So a job that comes to an idle worker costs one commit and not two. Only a worker that found nothing more in the line waits for that, and
//! after a moment it has to look there again: others put jobs there too.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::connection::Param;
use super::failure::Failed;
use super::lost::Asked;
use super::rows::{job_id, time};
use super::server::Server;
use crate::job::{Claimed, Lease, NewJob};
use crate::store::standing::Room;
use crate::store::{Batch, Claim};

/// A worker that is handed jobs looks at the line again after this time.
const LOOKS_AFTER: Duration = Duration::from_millis(20);

/// A worker that is about to be handed new jobs.
#[derive(Debug)]
pub(super) struct HandOver<'a> {
    server: &'a Arc<Server>,
    room: Room,
    next_due: Option<Timestamp>,
    now: Timestamp,
    asked: Asked<'a>,
}

impl<'a> HandOver<'a> {
    /// A worker that waits for jobs such as this one, of which there are so many, if that is due now.
    pub(super) fn begin(server: &'a Arc<Server>, job: &NewJob, jobs: usize, now: i64) -> Option<Self> {
        if job.run_at.is_some() {
            return None;
        }
        let is = |claim: &Claim| is_for(claim, job) && server.heads.rest(claim).is_some();
        let room = server.standing.keep(jobs, LOOKS_AFTER, is)?;
        let next_due = server.heads.rest(room.claim())?.next_due;
        let asked = Asked::new(server, room.claim().worker.as_uuid(), now);
        Some(Self { room, next_due, now: time(now), asked, server })
    }

    /// Stores jobs by this function of the server, which gives the worker as many of the first ones as it takes, if it may have any. Gives the
    /// numbers of all, and whether some are in the line.
    pub(super) async fn store(
        self,
        function: &str,
        params: &[Param<'_>],
        jobs: &[(&NewJob, i64)],
    ) -> Result<(Vec<i64>, bool), Failed> {
        let Self { room, next_due, now, asked, server } = self;
        let (worker, most, token) = (room.claim().worker, room.claim().limit, asked.token);
        let key = worker.as_uuid();
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let to: [Param<'_>; 3] = [(&key, Type::UUID), (&token, Type::INT8), (&limit, Type::INT8)];
        let params = [params, &to].concat();
        let places: Vec<String> = (1..=params.len()).map(|place| format!("${place}")).collect();
        let statement = format!("SELECT seqs, claim FROM @.{function}({})", places.join(", "));
        let answer = asked.answered(server.call_one_near(&statement, &params).await)?;
        let seqs: Vec<i64> = answer.get("seqs");
        let Some(claim) = answer.get::<_, Option<i64>>("claim") else { return Ok((seqs, true)) };
        let lease = |job| Lease { job, attempt: 1, worker, claim: claim.unsigned_abs() };
        let taken = seqs.iter().zip(jobs).take(most);
        let taken = taken.map(|(seq, (job, now))| claimed(lease(job_id(*seq, *now)), job, *now)).collect();
        room.hand(Batch { jobs: taken, next_due }, now);
        let left = seqs.len() > most;
        Ok((seqs, left))
    }
}

/// A new job as it is handed out.
fn claimed(lease: Lease, job: &NewJob, now: i64) -> Claimed {
    let mut claimed = Claimed::new(lease, job.name.to_string(), job.queue.to_string(), job.args.clone(), time(now));
    (claimed.priority, claimed.retries, claimed.version) = (job.priority, job.retries, job.version);
    claimed
}

/// Whether a claim asks for such jobs.
fn is_for(claim: &Claim, job: &NewJob) -> bool {
    let named = claim.names.iter().any(|served| served.name == job.name && job.version <= served.version);
    let queued = claim.queues.as_ref().is_none_or(|queues| queues.iter().any(|queue| *queue == job.queue));
    named && queued && claim.ageing.is_none() && claim.caps.is_empty()
}

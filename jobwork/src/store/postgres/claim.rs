//! Handing out jobs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_postgres::types::Type;

use super::failure::Failed;
use super::heads::Rest;
use super::lost::Asked;
use super::rows::{claimed, duration, millis, time};
use super::server::Server;
use crate::store::{Batch, Claim, Topic};

/// The queue from which the last jobs came, for those who serve all: they begin behind it, so that none of them starves.
#[derive(Debug, Default)]
pub(super) struct LastQueue(Mutex<String>);

impl LastQueue {
    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, queue: &str) {
        queue.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Hands out jobs that are due, and those that were handed to the worker since it was answered last.
pub(super) async fn claim(server: &Arc<Server>, last_queue: &LastQueue, mut claim: Claim) -> Result<Batch, Failed> {
    // Where there was no more, half of the room is for what is stored while the server is being asked.
    let half = if server.heads.rest(&claim).is_some() { claim.limit / 2 } else { 0 };
    let paused = server.standing.pause(&mut claim, half);
    server.unstarted.written(server).await;
    let Some(paused) = paused else { return ask(server, last_queue, &claim).await };
    let mut found = ask(server, last_queue, &claim).await?;
    if found.jobs.len() == claim.limit && paused.has_more_room(claim.limit) {
        // There may be more than was asked for.
        found.next_due = Some(claim.now);
    }
    server.standing.resume(paused.place(), &found);
    Ok(paused.and(found))
}

async fn ask(server: &Arc<Server>, last_queue: &LastQueue, claim: &Claim) -> Result<Batch, Failed> {
    if claim.limit == 0 {
        return Ok(Batch::default());
    }
    let names: Vec<&str> = claim.names.iter().map(|served| served.name.as_str()).collect();
    let versions: Vec<i64> = claim.names.iter().map(|served| served.version.into()).collect();
    let queues: Option<Vec<&str>> = claim.queues.as_ref().map(|queues| queues.iter().map(String::as_str).collect());
    let capped: Vec<&str> = claim.caps.iter().map(|cap| cap.queue.as_str()).collect();
    let most = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let caps: Vec<i64> = claim.caps.iter().map(|cap| most(cap.jobs)).collect();
    let asked = Asked::new(server, claim.worker.as_uuid(), millis(claim.now));
    let token = asked.token;
    let (from, began) = (server.heads.look(claim), Instant::now());
    let rows = server
        .call_near(
            "SELECT * FROM @.claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            &[
                (&claim.worker.as_uuid(), Type::UUID),
                (&queues, Type::TEXT_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&most(claim.limit), Type::INT8),
                (&millis(claim.now), Type::INT8),
                (&claim.ageing.map(duration), Type::INT8),
                (&capped, Type::TEXT_ARRAY),
                (&caps, Type::INT8_ARRAY),
                (&last_queue.get(), Type::TEXT),
                (&token, Type::INT8),
                (&from.queues, Type::TEXT_ARRAY),
                (&from.priorities, Type::INT4_ARRAY),
                (&from.run_ats, Type::INT8_ARRAY),
                (&from.seqs, Type::INT8_ARRAY),
            ],
        )
        .await;
    let rows = asked.answered(rows)?;
    let (due, jobs): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get::<_, Option<i64>>("seq").is_none());
    let taken = jobs.iter().map(|row| (row.get("queue"), row.get("priority"), row.get("run_at"), row.get("seq")));
    let next_due = due.first().and_then(|row| row.get::<_, Option<i64>>("next_due")).map(time);
    let rest = (jobs.len() < claim.limit).then_some(Rest { next_due });
    server.heads.note(claim, &from, taken, began, rest);
    // It may have come upon jobs that had expired.
    server.wake_own(&[Topic::Settled]);
    if let Some(first) = jobs.first().filter(|_| claim.queues.is_none()) {
        last_queue.set(first.get("queue"));
    }
    Ok(Batch { jobs: jobs.into_iter().map(|row| claimed(row, claim.worker)).collect(), next_due })
}

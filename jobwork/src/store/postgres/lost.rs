//! Calls whose answers were lost, with their connection or because nobody waited for them: they may have been committed.
//!
//! Jobs of such a claim would be nobody's as long as the worker lives, so it is given back; the outcomes of such a call are written
//! again, and the server is asked then whether they had been stored before.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::again::until_done;
use super::failure::Failed;
use super::server::Server;
use crate::job::{Finished, Lease};

/// The token of the next claim. Tokens are compared with those of the same worker only, and that is one of this process.
static NEXT: AtomicI64 = AtomicI64::new(1);

/// What was lost and not made good yet.
#[derive(Debug, Default)]
pub(super) struct Lost {
    claims: Mutex<Claims>,
    /// The runs of outcomes that may have been stored, each by its claim's and its job's number.
    outcomes: Mutex<HashSet<Run>>,
}

type Run = (u64, Uuid);

#[derive(Debug, Default)]
struct Claims {
    lost: Vec<LostClaim>,
    /// Whether somebody gives them back.
    served: bool,
}

#[derive(Clone, Copy, Debug)]
struct LostClaim {
    worker: Uuid,
    token: i64,
    now: i64,
}

/// A claim that is under way. Dropped before it is answered, it is given back.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    server: &'a Arc<Server>,
    claim: Option<LostClaim>,
    pub(super) token: i64,
}

impl<'a> Asked<'a> {
    pub(super) fn new(server: &'a Arc<Server>, worker: Uuid, now: i64) -> Self {
        let token = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { server, claim: Some(LostClaim { worker, token, now }), token }
    }

    /// Takes the answer.
    pub(super) fn answered<T>(mut self, answer: Result<T, Failed>) -> Result<T, Failed> {
        if !answer.as_ref().is_err_and(Failed::is_lost) {
            self.claim = None;
        }
        answer
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.server.lost.give_back(self.server, claim);
        }
    }
}

impl Lost {
    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcomes(&self) -> MutexGuard<'_, HashSet<Run>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, server: &Arc<Server>, claim: LostClaim) {
        let mut claims = self.claims();
        claims.lost.push(claim);
        if !std::mem::replace(&mut claims.served, true) {
            server.thread.handle().spawn(until_done(Arc::downgrade(server), "a lost claim", give_back_all));
        }
    }

    /// Takes the claims that are to be given back; where there are none, nobody sees to it any more.
    fn take(&self) -> Vec<LostClaim> {
        let mut claims = self.claims();
        claims.served = !claims.lost.is_empty();
        std::mem::take(&mut claims.lost)
    }
}

/// Gives claims back until there are none.
async fn give_back_all(server: Arc<Server>) -> Result<(), Failed> {
    loop {
        let claims = server.lost.take();
        if claims.is_empty() {
            return Ok(());
        }
        if let Err(failed) = give_back(&server, &claims).await {
            server.lost.claims().lost.extend(claims);
            return Err(failed);
        }
    }
}

/// Gives claims back, once for all: the server waits for those of them that it is still working on, and refuses those that reach it
/// later, such as from a connection that was cut on our side alone.
async fn give_back(server: &Server, claims: &[LostClaim]) -> Result<(), Failed> {
    let mut workers: HashMap<Uuid, (Vec<i64>, i64)> = HashMap::new();
    for claim in claims {
        let (tokens, now) = workers.entry(claim.worker).or_default();
        tokens.push(claim.token);
        *now = claim.now.max(*now);
    }
    for (worker, (tokens, now)) in workers {
        let params = [(&worker as _, Type::UUID), (&tokens as _, Type::INT8_ARRAY), (&now as _, Type::INT8)];
        let jobs: i64 = server.change_one("SELECT @.give_back($1, $2, $3)", &params).await?.get(0);
        if jobs > 0 {
            tracing::warn!(jobs, "the answer to a claim was lost; its jobs are ready again");
        }
    }
    Ok(())
}

/// Outcomes that are being written. Dropped before the server has answered, they are remembered as perhaps stored.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    lost: &'a Lost,
    finished: &'a [Finished],
    answered: bool,
}

impl<'a> Writing<'a> {
    pub(super) fn new(lost: &'a Lost, finished: &'a [Finished]) -> Self {
        Self { lost, finished, answered: false }
    }

    /// Those that may have been stored by an earlier call.
    pub(super) fn written_before(&self) -> Vec<bool> {
        let outcomes = self.lost.outcomes();
        if outcomes.is_empty() {
            return Vec::new();
        }
        self.finished.iter().map(|finished| outcomes.contains(&run(&finished.lease))).collect()
    }

    /// Takes the answer.
    pub(super) fn answered<T>(mut self, answer: Result<T, Failed>) -> Result<T, Failed> {
        self.answered = !answer.as_ref().is_err_and(Failed::is_lost);
        let mut outcomes = self.lost.outcomes();
        if answer.is_ok() && !outcomes.is_empty() {
            for finished in self.finished {
                outcomes.remove(&run(&finished.lease));
            }
        }
        drop(outcomes);
        answer
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.lost.outcomes().extend(self.finished.iter().map(|finished| run(&finished.lease)));
        }
    }
}

fn run(lease: &Lease) -> Run {
    (lease.claim, lease.job.as_uuid())
}

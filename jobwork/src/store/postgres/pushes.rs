//! Storing new jobs: pushes that wait at the same time are stored together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::failure::Failed;
use super::new_job;
use super::push::store;
use super::server::Server;
use crate::error::{Error, Result};
use crate::store::{Push, Stored};

/// So many statements are under way at once: while one is being committed, the next is filled.
const FLIGHTS: usize = 2;

/// So many jobs go into a statement, unless one push has more.
const FULL: usize = 2_000;

/// A statement takes no further push once it has so many bytes of arguments: a message to the server is held in memory, and has at most a gigabyte.
const FULL_BYTES: usize = 16_000_000;

/// The pushes that wait, and how many statements are under way.
#[derive(Debug, Default)]
pub(super) struct Pushes(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    flights: usize,
    /// So many pushes are in their statements.
    under_way: usize,
}

#[derive(Debug)]
struct Waiting {
    push: Push,
    answer: oneshot::Sender<Result<Stored>>,
}

/// Stores a push that was checked.
pub(super) async fn push(server: &Arc<Server>, push: Push) -> Result<Stored> {
    if push.jobs.is_empty() && push.batches.is_empty() {
        return Ok(Stored::default());
    }
    server.migrate().await.map_err(Error::store)?;
    let flight = || Flight { server: Arc::clone(server), pushes: 1 };
    if server.pushes.begin_alone() {
        // No other task is needed. Should this one go away, whoever has come meanwhile is seen to.
        let _flight = flight();
        let stored = store(server, &[&push]).await.map_err(Failed::pushing)?;
        return stored.into_iter().next().unwrap_or_else(|| Err(Error::store("the server gave no answer")));
    }
    let (answer, stored) = oneshot::channel();
    if server.pushes.begin(Waiting { push, answer }) {
        server.near().spawn(flight().fly(Vec::new()));
    }
    stored.await.unwrap_or_else(|_| Err(Error::store("the runtime that stores jobs has ended")))
}

/// The right to have a statement under way. Where others wait when it ends, another one goes on for them.
#[derive(Debug)]
struct Flight {
    server: Arc<Server>,
    /// So many pushes are in its statement.
    pushes: usize,
}

impl Flight {
    /// Stores these, and then what waits until nothing does.
    async fn fly(mut self, mut waiting: Vec<Waiting>) {
        loop {
            if waiting.is_empty() {
                // Those who have just been answered may go on and push again, into the same statement.
                tokio::task::yield_now().await;
                waiting = self.server.pushes.take(&mut self.pushes);
            }
            if waiting.is_empty() {
                return;
            }
            let (plain, special): (Vec<_>, Vec<_>) =
                waiting.drain(..).partition(|waiting| new_job::are_plain(&waiting.push));
            for together in [plain, special].into_iter().filter(|together| !together.is_empty()) {
                answer(together, &self.server).await;
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let waiting = self.server.pushes.end(&mut self.pushes);
        if !waiting.is_empty() {
            // On a runtime that has ended, this drops them, which tells those who wait.
            let flight = Self { server: Arc::clone(&self.server), pushes: self.pushes };
            self.server.near().spawn(flight.fly(waiting));
        }
    }
}

/// Stores these pushes, and tells each what became of it.
async fn answer(waiting: Vec<Waiting>, server: &Arc<Server>) {
    let pushes: Vec<&Push> = waiting.iter().map(|waiting| &waiting.push).collect();
    let answers = match store(server, &pushes).await {
        Ok(stored) => stored,
        // Nothing was stored, and only one of them need be to blame.
        Err(failed) if failed.is_refusal() && pushes.len() > 1 => store_apart(server, &pushes).await,
        Err(failed) => {
            let problem = failed.pushing().to_string();
            pushes.iter().map(|_| Err(Error::store(problem.clone()))).collect()
        }
    };
    // Who has gone away meanwhile needs no answer.
    waiting.into_iter().zip(answers).for_each(|(waiting, answer)| drop(waiting.answer.send(answer)));
}

/// Stores pushes one by one.
async fn store_apart(server: &Arc<Server>, pushes: &[&Push]) -> Vec<Result<Stored>> {
    let mut answers = Vec::with_capacity(pushes.len());
    for push in pushes {
        let answer = store(server, &[push]).await;
        answers.extend(answer.unwrap_or_else(|failed| vec![Err(failed.pushing())]));
    }
    answers
}

impl Pushes {
    /// Begins a statement if nobody else has one or waits, and says whether it did.
    fn begin_alone(&self) -> bool {
        let mut queue = self.queue();
        let alone = queue.waiting.is_empty() && queue.flights == 0;
        queue.begin(alone);
        alone
    }

    /// Lets a push wait. Begins a statement if there may be another one, and says whether it did.
    fn begin(&self, waiting: Waiting) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        let may = queue.flights < FLIGHTS;
        queue.begin(may);
        may
    }

    /// Takes what goes into the next statement of a flight that had so many pushes in its last one.
    fn take(&self, pushes: &mut usize) -> Vec<Waiting> {
        self.queue().take(pushes)
    }

    /// Ends a flight; where some wait, it goes on with them.
    fn end(&self, pushes: &mut usize) -> Vec<Waiting> {
        let mut queue = self.queue();
        let waiting = queue.take(pushes);
        queue.flights -= usize::from(waiting.is_empty());
        waiting
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn begin(&mut self, may: bool) {
        self.flights += usize::from(may);
        self.under_way += usize::from(may);
    }

    /// Shared out evenly among the flights, so that a small one does not cost as much as a large one again and again.
    fn take(&mut self, pushes: &mut usize) -> Vec<Waiting> {
        self.under_way -= *pushes;
        let share =
            if self.flights < FLIGHTS { usize::MAX } else { (self.waiting.len() + self.under_way).div_ceil(FLIGHTS) };
        let (mut jobs, mut bytes) = (0, 0);
        let fits = self.waiting.iter().take(share).take_while(|Waiting { push, .. }| {
            let fits = jobs == 0 || (jobs + push.jobs.len() <= FULL && bytes < FULL_BYTES);
            jobs += push.jobs.len().max(1);
            bytes += push.jobs.iter().map(|job| job.args.len()).sum::<usize>();
            fits
        });
        *pushes = fits.count();
        self.under_way += *pushes;
        self.waiting.drain(..*pushes).collect()
    }
}

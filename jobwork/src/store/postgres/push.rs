//! Storing new jobs: pushes that wait at the same time are stored together.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::look::malformed;
use super::new_job;
use super::rows::{job_id, millis};
use super::server::Server;
use super::text;
use crate::error::{Error, Result};
use crate::job::NewJob;
use crate::store::{Push, Pushed, Stored, Topic};

/// So many statements are under way at once: while one is being committed, the next is filled.
const FLIGHTS: usize = 2;

/// So many jobs go into a statement, unless one push has more.
const FULL: usize = 2_000;

/// The pushes that wait, and how many statements are under way.
#[derive(Debug, Default)]
pub(super) struct Pushes(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    flights: usize,
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
    let flight = || Flight(Arc::clone(server));
    if server.pushes.begin_alone() {
        // No other task is needed. Should this one go away, whoever has come meanwhile is seen to.
        let _flight = flight();
        let stored = store(server, &[&push]).await.map_err(Failed::pushing)?;
        server.hints.tell(Topic::Ready);
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
struct Flight(Arc<Server>);

impl Flight {
    /// Stores these, and then what waits until nothing does.
    async fn fly(self, mut waiting: Vec<Waiting>) {
        if waiting.is_empty() {
            waiting = self.0.pushes.take();
        }
        while !waiting.is_empty() {
            let (plain, special): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|waiting| new_job::are_plain(&waiting.push));
            for together in [plain, special].into_iter().filter(|together| !together.is_empty()) {
                answer(together, &self.0).await;
            }
            self.0.hints.tell(Topic::Ready);
            waiting = self.0.pushes.take();
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let waiting = self.0.pushes.end();
        if !waiting.is_empty() {
            // On a runtime that has ended, this drops them, which tells those who wait.
            self.0.near().spawn(Self(Arc::clone(&self.0)).fly(waiting));
        }
    }
}

/// Stores these pushes, and tells each what became of it.
async fn answer(waiting: Vec<Waiting>, server: &Server) {
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
async fn store_apart(server: &Server, pushes: &[&Push]) -> Vec<Result<Stored>> {
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
        queue.flights += usize::from(alone);
        alone
    }

    /// Lets a push wait. Begins a statement if there may be another one, and says whether it did.
    fn begin(&self, waiting: Waiting) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        let begin = queue.flights < FLIGHTS;
        queue.flights += usize::from(begin);
        begin
    }

    /// Ends a flight; where some wait, it goes on with them.
    fn end(&self) -> Vec<Waiting> {
        let waiting = self.take();
        self.queue().flights -= usize::from(waiting.is_empty());
        waiting
    }

    /// Takes what goes into one statement.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let mut jobs = 0;
        let fits = queue.waiting.iter().take_while(|waiting| {
            let first = jobs == 0;
            jobs += waiting.push.jobs.len().max(1);
            first || jobs <= FULL
        });
        let fits = fits.count();
        queue.waiting.drain(..fits).collect()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores pushes together, of which either all are plain or none.
async fn store(server: &Server, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    for push in pushes {
        push.jobs.iter().for_each(|job| server.heads.enter(job, millis(job.run_at.unwrap_or(push.now))));
    }
    match pushes {
        [push] if push.jobs.len() == 1 && new_job::are_plain(push) => Ok(vec![Ok(store_one(server, push).await?)]),
        [push, ..] if new_job::are_plain(push) => match alike(pushes) {
            Some(first) => store_alike(server, pushes, first).await,
            None => store_plain(server, pushes).await,
        },
        _ => store_special(server, pushes).await,
    }
}

/// Stores one plain job: a statement without arrays takes half of the time.
async fn store_one(server: &Server, push: &Push) -> Result<Stored, Failed> {
    let (job, now) = (&push.jobs[0], millis(push.now));
    let stored = server
        .call_one_near(
            "SELECT @.push_one($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                (&&*job.name, Type::TEXT),
                (&&*job.queue, Type::TEXT),
                (&text::stored(&job.args), Type::TEXT),
                (&job.priority, Type::INT4),
                (&i64::from(job.retries), Type::INT8),
                (&i64::from(job.version), Type::INT8),
                (&new_job::flags(job), Type::INT4),
                (&job.run_at.map_or(now, millis), Type::INT8),
                (&now, Type::INT8),
            ],
        )
        .await?;
    Ok(Stored::new(vec![Pushed::New(job_id(stored.get(0), now))], Vec::new()))
}

/// The first job, if the others differ from it in their arguments only.
fn alike<'a>(pushes: &[&'a Push]) -> Option<&'a NewJob> {
    let mut jobs = pushes.iter().flat_map(|push| &push.jobs);
    let first = jobs.next().filter(|job| job.run_at.is_none())?;
    let head = |job: &NewJob| (job.priority, job.retries, job.version, job.run_at, new_job::flags(job));
    jobs.all(|job| head(job) == head(first) && job.name == first.name && job.queue == first.queue).then_some(first)
}

async fn store_alike(server: &Server, pushes: &[&Push], first: &NewJob) -> Result<Vec<Result<Stored>>, Failed> {
    let jobs = || pushes.iter().flat_map(|push| push.jobs.iter().map(move |job| (job, millis(push.now))));
    let args: Vec<Cow<'_, str>> = jobs().map(|(job, _)| text::stored(&job.args)).collect();
    let created_ats: Vec<i64> = jobs().map(|(_, now)| now).collect();
    let stored = server
        .call_one_near(
            "SELECT @.push_alike($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                (&&*first.name, Type::TEXT),
                (&&*first.queue, Type::TEXT),
                (&args, Type::TEXT_ARRAY),
                (&first.priority, Type::INT4),
                (&i64::from(first.retries), Type::INT8),
                (&i64::from(first.version), Type::INT8),
                (&new_job::flags(first), Type::INT4),
                (&created_ats, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(stored_as(pushes, stored.get(0)))
}

async fn store_plain(server: &Server, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    let jobs = || pushes.iter().flat_map(|push| push.jobs.iter().map(move |job| (job, millis(push.now))));
    let names: Vec<&str> = jobs().map(|(job, _)| &*job.name).collect();
    let queues: Vec<&str> = jobs().map(|(job, _)| &*job.queue).collect();
    let args: Vec<Cow<'_, str>> = jobs().map(|(job, _)| text::stored(&job.args)).collect();
    let priorities: Vec<i32> = jobs().map(|(job, _)| job.priority).collect();
    let retries: Vec<i64> = jobs().map(|(job, _)| job.retries.into()).collect();
    let versions: Vec<i64> = jobs().map(|(job, _)| job.version.into()).collect();
    let flags: Vec<i32> = jobs().map(|(job, _)| new_job::flags(job)).collect();
    let run_ats: Vec<i64> = jobs().map(|(job, now)| job.run_at.map_or(now, millis)).collect();
    let created_ats: Vec<i64> = jobs().map(|(_, now)| now).collect();
    let stored = server
        .call_one_near(
            "SELECT @.push_plain($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                (&names, Type::TEXT_ARRAY),
                (&queues, Type::TEXT_ARRAY),
                (&args, Type::TEXT_ARRAY),
                (&priorities, Type::INT4_ARRAY),
                (&retries, Type::INT8_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&flags, Type::INT4_ARRAY),
                (&run_ats, Type::INT8_ARRAY),
                (&created_ats, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(stored_as(pushes, stored.get(0)))
}

/// What became of pushes whose jobs have these numbers.
fn stored_as(pushes: &[&Push], seqs: Vec<i64>) -> Vec<Result<Stored>> {
    let mut seqs = seqs.into_iter();
    let stored = pushes.iter().map(|push| {
        let jobs = seqs.by_ref().take(push.jobs.len());
        let jobs = jobs.map(|seq| Pushed::New(job_id(seq, millis(push.now)))).collect();
        Ok(Stored::new(jobs, Vec::new()))
    });
    stored.collect()
}

async fn store_special(server: &Server, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    let text = serde_json::Value::Array(pushes.iter().copied().map(new_job::push).collect()).to_string();
    let stored: Row = server.call_one_near("SELECT @.push_all($1::text::jsonb)::text", &[(&text, Type::TEXT)]).await?;
    // One may have taken the place of another in the line, or expires.
    server.changed();
    let answers: Vec<new_job::Answer> = serde_json::from_str(stored.get(0)).map_err(malformed)?;
    Ok(answers.into_iter().zip(pushes).map(|(answer, push)| answer.stored(push)).collect())
}

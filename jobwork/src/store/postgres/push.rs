//! Storing new jobs: pushes that wait at the same time are stored together.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Failed;
use super::hints::Hints;
use super::new_job;
use super::rows::{job_id, millis};
use super::server::Server;
use super::text;
use crate::error::{Error, Result};
use crate::store::{Push, Pushed, Stored, Topic};

/// So many statements are under way at once: while one is being committed, the next is filled.
const FLIGHTS: usize = 2;

/// So many jobs go into a statement, unless one push has more.
const FULL: usize = 2_000;

/// The pushes that wait, and the statements that are under way.
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
pub(super) async fn push(server: &Arc<Server>, hints: &Arc<Hints>, push: Push) -> Result<Stored> {
    if push.jobs.is_empty() && push.batches.is_empty() {
        return Ok(Stored::default());
    }
    server.migrate().await.map_err(Error::store)?;
    let (answer, stored) = oneshot::channel();
    if server.pushes.enter(Waiting { push, answer }) {
        // On the store's thread, so that nobody's push depends on another's task.
        server.thread.handle().spawn(fly(Arc::clone(server), Arc::clone(hints)));
    }
    stored.await.unwrap_or_else(|_| Err(Error::store("the thread of the store has ended")))
}

/// Stores what waits until nothing does.
async fn fly(server: Arc<Server>, hints: Arc<Hints>) {
    while let Some(waiting) = server.pushes.take() {
        let (plain, special): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|waiting| new_job::are_plain(&waiting.push));
        if !plain.is_empty() {
            answer(plain, |pushes| store_plain(&server, pushes)).await;
        }
        if !special.is_empty() {
            answer(special, |pushes| store_special(&server, pushes)).await;
        }
        hints.tell(Topic::Ready);
    }
}

/// Stores these pushes, and tells each what became of it.
async fn answer<F>(waiting: Vec<Waiting>, store: impl FnOnce(Vec<Push>) -> F)
where
    F: Future<Output = Result<Vec<Result<Stored>>>>,
{
    let (pushes, answers): (Vec<_>, Vec<_>) = waiting.into_iter().map(|waiting| (waiting.push, waiting.answer)).unzip();
    match store(pushes).await {
        // Who has gone away meanwhile needs no answer.
        Ok(stored) => answers.into_iter().zip(stored).for_each(|(answer, stored)| drop(answer.send(stored))),
        Err(error) => {
            let problem = match error {
                Error::Store(problem) => problem.to_string(),
                other => other.to_string(),
            };
            answers.into_iter().for_each(|answer| drop(answer.send(Err(Error::store(problem.clone())))));
        }
    }
}

impl Pushes {
    /// Lets a push wait, and says whether a statement is to be begun for it.
    fn enter(&self, waiting: Waiting) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push(waiting);
        let begin = queue.flights < FLIGHTS;
        queue.flights += usize::from(begin);
        begin
    }

    /// Takes what goes into one statement; where nothing waits, a flight is over.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() {
            queue.flights -= 1;
            return None;
        }
        let mut jobs = 0;
        let fits = queue.waiting.iter().take_while(|waiting| {
            let first = jobs == 0;
            jobs += waiting.push.jobs.len().max(1);
            first || jobs <= FULL
        });
        let fits = fits.count();
        Some(queue.waiting.drain(..fits).collect())
    }
}

async fn store_plain(server: &Server, pushes: Vec<Push>) -> Result<Vec<Result<Stored>>> {
    let jobs = || pushes.iter().flat_map(|push| push.jobs.iter().map(move |job| (job, millis(push.now))));
    let names: Vec<&str> = jobs().map(|(job, _)| &*job.name).collect();
    let queues: Vec<&str> = jobs().map(|(job, _)| &*job.queue).collect();
    let args: Vec<Cow<'_, str>> = jobs().map(|(job, _)| text::stored(&job.args)).collect();
    let priorities: Vec<i32> = jobs().map(|(job, _)| job.priority).collect();
    let retries: Vec<i64> = jobs().map(|(job, _)| job.retries.into()).collect();
    let versions: Vec<i64> = jobs().map(|(job, _)| job.version.into()).collect();
    let run_ats: Vec<i64> = jobs().map(|(job, now)| job.run_at.map_or(now, millis)).collect();
    let created_ats: Vec<i64> = jobs().map(|(_, now)| now).collect();
    let stored = server
        .call_one(
            "SELECT @.push_plain($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                (&names, Type::TEXT_ARRAY),
                (&queues, Type::TEXT_ARRAY),
                (&args, Type::TEXT_ARRAY),
                (&priorities, Type::INT4_ARRAY),
                (&retries, Type::INT8_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&run_ats, Type::INT8_ARRAY),
                (&created_ats, Type::INT8_ARRAY),
            ],
        )
        .await
        .map_err(Failed::pushing)?;
    let mut seqs = stored.get::<_, Vec<i64>>(0).into_iter();
    let ids = pushes.iter().map(|push| {
        let jobs = seqs.by_ref().take(push.jobs.len());
        let ids = jobs.map(|seq| Pushed::New(job_id(seq, millis(push.now)))).collect();
        Ok(Stored::new(ids, Vec::new()))
    });
    Ok(ids.collect())
}

async fn store_special(server: &Server, pushes: Vec<Push>) -> Result<Vec<Result<Stored>>> {
    let text = serde_json::Value::Array(pushes.iter().map(new_job::push).collect()).to_string();
    let stored: Row = server
        .call_one("SELECT @.push_all($1::text::jsonb)::text", &[(&text, Type::TEXT)])
        .await
        .map_err(Failed::pushing)?;
    let answers: Vec<new_job::Answer> = serde_json::from_str(stored.get(0)).map_err(Error::store)?;
    Ok(answers.into_iter().zip(&pushes).map(|(answer, push)| answer.stored(push)).collect())
}

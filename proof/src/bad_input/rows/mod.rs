//! Rows that somebody else has written: whatever stands in those of some jobs, in every column of every table, the jobs beside them run to
//! their end. No call panics, and none hangs: where one does, the process is ended, since what it does can't be.

mod postgres;
mod sqlite;
mod tables;

pub use self::postgres::postgres_rows;
pub use self::sqlite::sqlite_rows;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobwork::store::{
    BatchFilter, Beat, BeatKind, Claim, Due, Filter, Keep, NewSchedule, Prune, Push, Rescue, Retention, Served, SetBy,
    Store, WorkerInfo, WorkerState,
};
use jobwork::{
    BatchPlace, Finished, JobId, JobState, Limit, LimitRule, Membership, Missed, NewBatch, NewJob, Outcome, QueueLimit,
    Result, Target, Unique, Wait, WorkerId,
};

const LEASE: Duration = Duration::from_secs(30);
const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// So many claims find all jobs of a case, the bad ones among them.
const ROUNDS: usize = 40;

/// The jobs of a case.
struct Jobs {
    /// Those that come to their end whatever stands in the rows of others.
    sound: Vec<JobId>,
    /// Those whose rows are disturbed, and their numbers.
    odd: Vec<(JobId, i64)>,
}

impl Jobs {
    fn odd_numbers(&self) -> Vec<i64> {
        self.odd.iter().map(|(_, number)| *number).collect()
    }
}

/// Stores jobs of every kind between such as are sound.
async fn stored(store: &dyn Store) -> Result<Jobs> {
    let mut sound = push_sound(store).await?;
    let odd = push_odd(store).await?;
    sound.extend(push_sound(store).await?);
    let numbered = |id: JobId| id.parts().map(|(number, _)| (id, number.cast_signed()));
    Ok(Jobs { sound, odd: odd.into_iter().filter_map(numbered).collect() })
}

/// A worker's life after the rows of the odd jobs were written like this.
async fn check(store: &dyn Store, jobs: &Jobs, written: &[String]) {
    let story = || format!("after\n{}", written.join("\n"));
    let odd: Vec<JobId> = jobs.odd.iter().map(|(id, _)| *id).collect();
    let worked = tokio::time::timeout(Duration::from_secs(60), work(store, &odd)).await.unwrap_or_else(|_| {
        eprintln!("a call hangs {}", story());
        std::process::abort();
    });
    worked.unwrap_or_else(|error| panic!("{error}: {}", story()));
    for id in &jobs.sound {
        let job = store.inspect().expect("it can be inspected").get(&[*id], now(ROUNDS)).await;
        let job = job.unwrap_or_else(|error| panic!("{error}: {}", story())).pop().flatten();
        let state = job.map(|job| job.state);
        assert_eq!(state, Some(JobState::Completed), "the sound job {id} {}", story());
    }
}

/// The time of a round.
fn now(round: usize) -> Timestamp {
    START + SignedDuration::from_secs(60 + round as i64)
}

/// Two jobs, and a chain of two.
async fn push_sound(store: &dyn Store) -> Result<Vec<JobId>> {
    let job = || NewJob::new("sound", "{}");
    let mut last = NewJob::new("sound", r#"{"value":null}"#);
    last.waits = vec![Wait { on: 2, slot: Some("value".to_owned()) }];
    Ok(store.push(Push::of(vec![job(), job(), job(), last], START)).await?.ids())
}

/// Jobs of every kind: of each there is something to read where others don't have it. One worker has some of them, and is dead.
async fn push_odd(store: &dyn Store) -> Result<Vec<JobId>> {
    let worker = WorkerId::fresh();
    store.beat(beat(worker, BeatKind::Join, START)).await?;
    let mut ids = store.push(Push::of((0..4).map(|_| odd()).collect(), START)).await?.ids();
    store.claim(Claim::new(worker, served(&["odd"]), 10, START)).await?;
    let mut limited = odd();
    limited.flow.limits = vec![Limit { key: "odd".to_owned(), rule: LimitRule::Concurrency(1) }];
    let mut keyed = odd();
    keyed.flow.unique = Some(Unique::new("odd"));
    let mut ordered = odd();
    ordered.flow.ordered = Some("odd".to_owned());
    let (mut tagged, mut expires, mut later, mut child) = (odd(), odd(), odd(), odd());
    tagged.tags = vec!["odd".to_owned()];
    expires.expires_at = Some(now(3));
    later.run_at = Some(now(8));
    child.waits = vec![Wait { on: 0, slot: Some("value".to_owned()) }];
    let member = |position| Some(Membership { first: 0, position, on_error: None });
    let mut first = odd();
    (first.chain, child.chain) = (member(0), member(1));
    let jobs = vec![first, child, limited.clone(), limited, keyed, ordered.clone(), ordered, tagged, expires, later];
    ids.extend(store.push(Push::of(jobs, START)).await?.ids());
    let mut batched = odd();
    batched.batch = Some(BatchPlace::New(0));
    ids.extend(store.push(Push::of(vec![batched], START).batches(vec![NewBatch::new("odd")])).await?.ids());
    declare(store).await?;
    Ok(ids)
}

/// What is no job's: a schedule, a limit and a pause.
async fn declare(store: &dyn Store) -> Result<()> {
    let due = Due { expression: "0 3 * * *".to_owned(), zone: "UTC".to_owned() };
    let schedule = NewSchedule { name: "odd".to_owned(), job: "odd".to_owned(), due, missed: Missed::Skip };
    store.schedules().expect("it has schedules").declare(vec![schedule], START).await?;
    let control = store.control().expect("it has pauses");
    control.limit_queue("odd", QueueLimit::new().concurrency(5), SetBy::Hand).await?;
    control.pause(&Target::Job("another".to_owned()), None, START).await
}

fn odd() -> NewJob {
    let mut job = NewJob::new("odd", r#"{"value":null}"#);
    job.queue = "odd".into();
    job
}

fn beat(worker: WorkerId, kind: BeatKind, now: Timestamp) -> Beat {
    let info = WorkerInfo {
        id: worker,
        host: "host".to_owned(),
        pid: 7,
        queues: Vec::new(),
        concurrency: 10,
        started_at: START,
    };
    Beat { worker: Arc::new(info), kind, state: WorkerState::Running, running: 0, lease: LEASE, now }
}

fn served(names: &[&str]) -> Arc<[Served]> {
    names.iter().map(|name| Served { name: (*name).to_owned(), version: 1 }).collect()
}

/// A worker's life: whatever is ready is claimed and completed, and everything that a store can be asked is asked.
async fn work(store: &dyn Store, odd: &[JobId]) -> std::result::Result<(), String> {
    let worker = WorkerId::fresh();
    said(store.beat(beat(worker, BeatKind::Join, now(0))).await)?;
    for round in 0..ROUNDS {
        let now = now(round);
        said(store.beat(beat(worker, BeatKind::Live, now)).await)?;
        let upkeep = store.upkeep().expect("it keeps its house");
        said(upkeep.rescue(Rescue { poison_after: 3, now }).await)?;
        said(upkeep.expire(now, 100).await)?;
        let claimed = said(store.claim(Claim::new(worker, served(&["odd", "sound"]), 1 + round % 4, now)).await)?
            .unwrap_or_default();
        let done = |lease| Finished { lease, outcome: Outcome::Completed { output: "1".to_owned() }, at: now };
        let finished: Vec<Finished> = claimed.jobs.iter().map(|job| done(job.lease)).collect();
        said(store.finish(finished.into()).await)?;
        if round % 20 == 10 {
            look(store, odd, now).await?;
        }
    }
    change(store, odd).await?;
    said(store.beat(beat(worker, BeatKind::Leave, now(ROUNDS))).await).map(drop)
}

async fn look(store: &dyn Store, odd: &[JobId], now: Timestamp) -> std::result::Result<(), String> {
    let inspect = store.inspect().expect("it can be inspected");
    listed(inspect.list(&Filter::default(), now).await)?;
    listed(inspect.counts(now).await)?;
    listed(inspect.queues(now).await)?;
    listed(inspect.workers(now).await)?;
    listed(inspect.batches(&BatchFilter::default()).await)?;
    for id in odd {
        said(inspect.get(&[*id], now).await)?;
        said(inspect.history(*id).await)?;
        said(inspect.log(*id).await)?;
        said(inspect.chain(*id, now).await)?;
    }
    listed(store.schedules().expect("it has schedules").list().await)?;
    let control = store.control().expect("it has pauses");
    listed(control.pauses(now).await)?;
    listed(control.queue_limits().await)
}

async fn change(store: &dyn Store, odd: &[JobId]) -> std::result::Result<(), String> {
    let (inspect, now) = (store.inspect().expect("it can be inspected"), now(ROUNDS));
    for id in odd {
        said(inspect.cancel(&[*id], now).await)?;
        said(inspect.retry(&[*id], now).await)?;
        said(inspect.requeue(&[*id], "other", now).await)?;
    }
    // Completed jobs are kept: what became of the sound ones is still to be looked at.
    let keep = Keep { age: Some(Duration::ZERO), count: Some(0) };
    let retention = Arc::new(Retention::default().cancelled(keep).discarded(keep).dead(keep));
    said(store.upkeep().expect("it keeps its house").prune(Prune { retention, limit: 1_000, now }).await).map(drop)
}

/// The answer, where there is one: a call may be refused, but its thread must live.
fn said<T>(answer: Result<T>) -> std::result::Result<Option<T>, String> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.to_string().contains("has ended") => Err(format!("a call panicked: {error}")),
        Err(_) => Ok(None),
    }
}

/// A list has what can be read, whatever else there is.
fn listed<T>(answer: Result<T>) -> std::result::Result<(), String> {
    answer.map(drop).map_err(|error| format!("a list has failed: {error}"))
}

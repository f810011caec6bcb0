use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::shared::Shared;
use crate::client::Jobs;
use crate::clock::{Clock, until};
use crate::error::{Error, Result};
use crate::job::{Missed, NewJob, Schedule};
use crate::perform::Cron;
use crate::store::{Cause, Due, Fire, NewSchedule, Push, ScheduleRecord, Schedules, WorkerState};

/// A tick that no worker got to for longer than this is missed.
const LATE: Duration = Duration::from_secs(60);

/// The function of a schedule that has not returned by then is given up.
const MAKE_LIMIT: Duration = Duration::from_secs(10);

/// No more ticks of one schedule than this are made up for in a row.
const MOST: usize = 100;

/// Whether all schedules can be what they are said to be, and no two share a name; all that are wrong are named.
pub(crate) fn check(crons: &[Cron], jobs: &Jobs) -> Result<()> {
    if !crons.is_empty() && jobs.store().schedules().is_none() {
        return Err(Error::Unsupported { store: jobs.store().name(), what: "keep schedules" });
    }
    let mut wrong: Vec<String> =
        crons.iter().filter_map(|cron| cron.check().err()).map(|wrong| wrong.to_string()).collect();
    let twice = |at: usize| crons[..at].iter().any(|other| other.name == crons[at].name);
    let twice = (0..crons.len()).filter(|at| twice(*at));
    wrong.extend(twice.map(|at| format!("two schedules are named `{}`: give one another name", crons[at].name)));
    if wrong.is_empty() { Ok(()) } else { Err(Error::Config(wrong.join("\n"))) }
}

/// Makes the jobs of this program's schedules when they are due, until it is dropped. Every worker does it: the store
/// sees to it that a tick makes its jobs once, so nobody has to be elected.
pub(crate) async fn run(shared: Arc<Shared>) {
    if shared.crons.is_empty() {
        return;
    }
    let poll = shared.config.poll_interval;
    let mut ticker = Ticker::new(shared);
    while let Err(error) = ticker.declare().await {
        tracing::error!(%error, "can't declare schedules; trying again");
        tokio::time::sleep(poll).await;
    }
    loop {
        ticker.shared.wait_until_running().await;
        let next = ticker.turn().await.unwrap_or_else(|error| {
            tracing::error!(%error, "can't look at schedules; trying again");
            None
        });
        let now = ticker.shared.clock.now();
        // No longer than until the next poll, because schedules are changed by hand.
        tokio::time::sleep(next.map_or(poll, |next| until(next, now).min(poll))).await;
    }
}

/// Makes the jobs of schedules, each time it is told to look.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    /// The schedules as they were read last; `None` for what could not be read.
    read: HashMap<String, (Due, Option<Schedule>)>,
}

impl Ticker {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, read: HashMap::new() }
    }

    /// Makes this program's schedules known to the store.
    pub(super) async fn declare(&self) -> Result<()> {
        let new = |cron: &Cron| NewSchedule {
            name: cron.name.clone(),
            job: cron.job.to_owned(),
            due: Due { expression: cron.expression.clone(), zone: cron.zone.clone() },
            missed: cron.missed,
        };
        let schedules = self.shared.crons.iter().map(new).collect();
        kept(&self.shared)?.declare(schedules, self.shared.clock.now()).await
    }

    /// Makes what is due, and says when the next tick is.
    pub(super) async fn turn(&mut self) -> Result<Option<Timestamp>> {
        let rows = kept(&self.shared)?.list().await?;
        let now = self.shared.clock.now();
        let (mut next, mut firing) = (None::<Timestamp>, JoinSet::new());
        for row in rows {
            let known = self.shared.crons.iter().find(|cron| cron.name == row.name).cloned();
            let Some(cron) = known else { continue };
            let ticks = self.schedule(&row).map(|schedule| due(schedule, &row, now));
            let (ticks, then) = ticks.unwrap_or_default();
            next = next.into_iter().chain(then).min();
            if row.asked.is_some() || !ticks.is_empty() {
                firing.spawn(fire_all(Arc::clone(&self.shared), cron, row, ticks));
            }
        }
        // One that takes its time keeps no other from being made.
        while firing.join_next().await.is_some() {}
        Ok(next)
    }

    /// When this is due; `None` while it is paused, and where the expression or the zone isn't known here. It is read again only when
    /// it was changed, and what is wrong with it is told then.
    fn schedule(&mut self, row: &ScheduleRecord) -> Option<&Schedule> {
        if self.read.get(&row.name).is_none_or(|(due, _)| *due != row.due) {
            let parsed = Schedule::parse(&row.due.expression, &row.due.zone);
            if let Err(problem) = &parsed {
                tracing::error!(schedule = row.name, %problem, "a schedule that was changed by hand is never due");
            }
            self.read.insert(row.name.clone(), (row.due.clone(), parsed.ok()));
        }
        self.read.get(&row.name).and_then(|(_, schedule)| schedule.as_ref()).filter(|_| !row.paused)
    }
}

/// The ticks to run now, and when to look again.
fn due(schedule: &Schedule, row: &ScheduleRecord, now: Timestamp) -> (Vec<Timestamp>, Option<Timestamp>) {
    let since = |horizon| row.past.max(before(now, horizon));
    let ticks: Vec<Timestamp> = match row.missed {
        Missed::Skip => schedule.last_between(since(LATE), now).into_iter().collect(),
        Missed::Once => schedule.last_between(row.past, now).into_iter().collect(),
        Missed::Fill(horizon) => {
            let following = |tick: &Timestamp| schedule.next(*tick);
            let first = schedule.next(since(horizon.max(LATE)));
            std::iter::successors(first, following).take_while(|tick| *tick <= now).take(MOST).collect()
        }
    };
    let last = ticks.last().copied().filter(|_| ticks.len() == MOST);
    let next = schedule.next(last.unwrap_or(now).max(row.past));
    (ticks, next)
}

fn before(now: Timestamp, horizon: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(horizon).ok().and_then(|back| now.checked_sub(back).ok()).unwrap_or(Timestamp::MIN)
}

/// Makes the run that was asked for, and those of the ticks, one after the other.
async fn fire_all(shared: Arc<Shared>, cron: Cron, row: ScheduleRecord, ticks: Vec<Timestamp>) {
    let asked = row.asked.map(|_| (Cause::Asked, shared.clock.now()));
    for (cause, at) in asked.into_iter().chain(ticks.into_iter().map(|tick| (Cause::Tick(tick), tick))) {
        if *shared.state.borrow() != WorkerState::Running {
            return;
        }
        let jobs = make(&shared, &cron, at).await;
        if let Err(error) = fire(&shared, &row, cause, jobs).await {
            tracing::error!(schedule = cron.name, %error, "can't store the jobs of a schedule; trying again");
            return;
        }
    }
}

/// Stores the jobs, or only that the tick has passed, where there are none or another job has their unique key.
async fn fire(shared: &Shared, row: &ScheduleRecord, cause: Cause, jobs: Vec<NewJob>) -> Result<()> {
    let schedules = kept(shared)?;
    let fire = |jobs| {
        let push = Push::of(jobs, shared.clock.now());
        schedules.fire(Fire { name: row.name.clone(), due: row.due.clone(), cause, push })
    };
    let stored = match fire(jobs).await {
        Err(error @ Error::Duplicate { .. }) => {
            tracing::info!(schedule = row.name, %error, "a tick makes no job");
            fire(Vec::new()).await?
        }
        stored => stored?,
    };
    if let Some(stored) = stored {
        tracing::debug!(schedule = row.name, jobs = stored.jobs.len(), "a schedule was due");
    }
    Ok(())
}

/// What the schedule's function dispatches at this time; nothing where it fails. It is called where the jobs run, so that it
/// can't keep the worker from living.
async fn make(shared: &Arc<Shared>, cron: &Cron, at: Timestamp) -> Vec<NewJob> {
    let (made, client) = (cron.clone(), shared.jobs.clone().with_clock(Clock::from_fn(move || at)));
    let making = shared.runtime.spawn(async move {
        let mut jobs = made.jobs(&client)?;
        for job in &mut jobs {
            job.mark_tick(&made.name, at);
        }
        client.prepare(&mut jobs).map_err(|refused| refused.to_string())?;
        Ok(jobs)
    });
    let problem: String = match tokio::time::timeout(MAKE_LIMIT, making).await {
        Ok(Ok(Ok(jobs))) => return jobs,
        Ok(Ok(Err(problem))) => problem,
        Ok(Err(broken)) => broken.to_string(),
        Err(_) => format!("it took longer than {MAKE_LIMIT:?}"),
    };
    tracing::error!(schedule = cron.name, tick = %at, problem, "the function of a schedule failed; this tick makes no job");
    Vec::new()
}

fn kept(shared: &Shared) -> Result<&dyn Schedules> {
    shared.store.schedules().ok_or(Error::Unsupported { store: shared.store.name(), what: "keep schedules" })
}

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::Until;
use super::health::Look;
use super::idle::Idle;
use super::pace::Pace;
use super::queues::Draws;
use super::runner::Runners;
use super::shared::Shared;
use crate::clock::until;
use crate::job::{Finished, Outcome};
use crate::store::{Batch, Claim, Served, Topic, Wakeups};

/// Whether a fetcher may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may.
    Open,
    /// Not now.
    Quiet,
    /// Never again.
    Closed,
}

/// What came of waiting for everything to settle.
#[derive(Debug)]
enum Settle {
    /// Something happened, or there is something to do.
    LookAgain,
    /// There is nothing left, and everybody says so.
    Agreed,
    /// There is nothing left here, but another fetcher has something.
    Alone,
}

/// What one fetcher sees to.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Which of the worker's fetchers it is, from 0.
    pub(crate) index: usize,
    /// The names of the jobs it claims.
    pub(crate) names: Arc<[Served]>,
    /// How many jobs it may run at a time.
    pub(crate) slots: usize,
    /// How long it works.
    pub(crate) until: Until,
}

/// Claims jobs and starts them: those that run on the async threads, or those that run on blocking ones.
pub(crate) struct Fetcher {
    shared: Arc<Shared>,
    /// The names of the jobs it claims.
    names: Arc<[Served]>,
    /// They perform what it claims.
    runners: Arc<Runners>,
    /// Draws the order of the queues.
    draws: Option<Draws>,
    /// Tells when a queue that was full has room again.
    freed: watch::Receiver<()>,
    pace: Pace,
    gate: watch::Receiver<Gate>,
    until: Until,
    idle: Arc<Idle>,
    /// Which of the worker's fetchers this is, from 0.
    lane: usize,
    health: Arc<Look>,
    failures: u32,
    /// When the store was asked last.
    asked: Instant,
    /// At that time the store had no more, and has told of nothing since: what comes is handed over.
    exhausted: Option<(Instant, Option<Timestamp>)>,
}

/// How many jobs a look at the store brought, and when the next one is due.
type Looked = (usize, Option<Timestamp>);

/// After this time the store is asked again, since not all that comes is handed over or told of.
const ASKS_AFTER: Duration = Duration::from_millis(20);

/// What was claimed ahead is given back when none of it begins for this long: long jobs have come before it, and another
/// worker may have room.
const HELD_AT_MOST: Duration = Duration::from_millis(200);

/// As long as something is ahead, so often there is a look at how it goes on.
const LOOKS: Duration = Duration::from_millis(5);

impl Fetcher {
    pub(crate) fn new(shared: Arc<Shared>, lane: Lane, gate: watch::Receiver<Gate>, idle: Arc<Idle>) -> Self {
        Self {
            health: shared.health.look(),
            draws: shared.config.queues.as_ref().map(|queues| queues.draws(lane.index)),
            freed: shared.crowds.freed(),
            runners: Arc::new(Runners::new(Arc::clone(&shared), lane.slots, gate.clone())),
            shared,
            names: lane.names,
            pace: Pace::new(0),
            gate,
            until: lane.until,
            idle,
            lane: lane.index,
            failures: 0,
            asked: Instant::now(),
            exhausted: None,
        }
    }

    /// Claims and starts until the gate closes; then gives back what has not started.
    pub(crate) async fn run(mut self) {
        let mut wakeups = self.shared.store.wakeups(Topic::Ready);
        loop {
            let gate = *self.gate.borrow_and_update();
            match gate {
                Gate::Open => self.turn(&mut wakeups).await,
                Gate::Quiet => {
                    self.retire().await;
                    self.health.rest();
                    self.gate_moved().await;
                    self.health.touch();
                }
                Gate::Closed => break,
            }
        }
        self.retire().await;
    }

    /// One round: start what can be started, claim what there is room for, and wait for a reason to go round again.
    async fn turn(&mut self, wakeups: &mut Wakeups) {
        self.runners.start();
        self.pace.look(self.runners.buffer.taken());
        let room = self.room();
        if room == 0 {
            return self.full().await;
        }
        let looked = match self.exhausted {
            Some((since, next_due)) if since.elapsed() < ASKS_AFTER && self.stands() => Some((0, next_due)),
            _ => {
                wakeups.forget();
                self.claim(room).await
            }
        };
        let Some((found, next_due)) = looked else { return self.pause().await };
        if *self.gate.borrow() != Gate::Open {
            // The order came while the store was being asked; what it brought is given back.
            return;
        }
        self.runners.start();
        if !self.runners.buffer.is_empty() {
            // Whatever else the store has, these come first, and they wait for nothing but runners.
            return self.full().await;
        }
        match self.until {
            Until::One => return self.finish_one().await,
            Until::Empty if found > 0 => return,
            Until::Empty => match self.settle(wakeups).await {
                Settle::LookAgain => return,
                Settle::Agreed => return self.gate_moved().await,
                Settle::Alone => {}
            },
            Until::Stopped => {}
        }
        // What was found has its place by now, and less may be handed over.
        let left = self.room();
        if found < room && left > 0 {
            self.reason_to_look(wakeups, left, next_due).await;
        }
    }

    /// How many jobs to ask for: the free slots, and as many more as are started in a moment, so that short jobs are
    /// claimed by the hundred and long ones are left to workers that can start them.
    fn room(&self) -> usize {
        let free = self.runners.slots.available_permits();
        let most = if self.until == Until::One { free.min(1) } else { free + self.pace.prefetch() };
        let ahead = self.runners.buffer.len(most / 2);
        if ahead <= most / 2 { most - ahead } else { 0 }
    }

    /// Asks the store, and says how many jobs came and when the next one is due; `None` when the store failed.
    async fn claim(&mut self, limit: usize) -> Option<Looked> {
        loop {
            let now = self.shared.clock.now();
            let (found, next_due) = self.claim_once(limit, now).await?;
            let broke_off = found == 0 && next_due.is_some_and(|due| due <= now);
            // Behind what had expired there may be jobs that are due.
            if !broke_off || *self.gate.borrow() != Gate::Open {
                return Some((found, next_due));
            }
        }
    }

    async fn claim_once(&mut self, limit: usize, now: Timestamp) -> Option<Looked> {
        let shared = Arc::clone(&self.shared);
        self.freed.mark_unchanged();
        self.asked = Instant::now();
        let turn = shared.crowds.turn().await;
        let claim = Claim { caps: Arc::clone(&turn.caps), ..self.request(limit, now) };
        match shared.store.claim(claim).await {
            Ok(batch) => {
                let (found, next_due) = self.take(batch);
                self.exhausted = (found < limit).then_some((self.asked, next_due));
                Some((found, next_due))
            }
            Err(error) => {
                self.failures += 1;
                tracing::error!(%error, failures = self.failures, "can't claim jobs; trying again");
                None
            }
        }
    }

    fn request(&mut self, limit: usize, now: Timestamp) -> Claim {
        Claim {
            queues: self.draws.as_mut().map(Draws::next),
            ageing: self.shared.config.ageing,
            ..Claim::new(self.shared.identity.id(), Arc::clone(&self.names), limit, now)
        }
    }

    /// Puts what the store gave into the buffer.
    fn take(&mut self, batch: Batch) -> Looked {
        self.health.touch();
        self.failures = 0;
        let found = batch.jobs.len();
        if found > 0 {
            self.idle.stir();
        }
        let crowds = &self.shared.crowds;
        self.runners.buffer.extend(batch.jobs.into_iter().map(|job| {
            let place = crowds.enter(&job.queue);
            (job, place)
        }));
        (found, batch.next_due)
    }

    /// Waits until there is room; lets go of what was claimed ahead when nothing of it begins for long.
    async fn full(&mut self) {
        self.health.rest();
        let (mut taken, mut since) = (self.runners.buffer.taken(), Instant::now());
        while !self.runners.buffer.is_empty() {
            if tokio::time::timeout(LOOKS, self.room_or_gate()).await.is_ok() {
                return self.health.touch();
            }
            self.runners.start_more();
            if std::mem::replace(&mut taken, self.runners.buffer.taken()) != taken {
                since = Instant::now();
            } else if since.elapsed() >= HELD_AT_MOST {
                self.pace = Pace::new(taken);
                self.give_back().await;
            }
        }
        self.room_or_gate().await;
        self.health.touch();
    }

    /// Waits until more is worth claiming, or the gate has moved. Cancel safe.
    async fn room_or_gate(&mut self) {
        let Runners { buffer, slots, .. } = &*self.runners;
        tokio::select! {
            // All of them end the wait. The gate is looked at after each.
            biased;
            // Taken only to see that there is one. Where jobs are ahead, their runners come back for them.
            permit = slots.acquire(), if buffer.is_empty() => drop(permit),
            () = buffer.is_low() => {}
            _ = self.gate.changed() => {}
        }
    }

    /// Waits until there may be more to claim, or the store hands over what has become ready.
    async fn reason_to_look(&mut self, wakeups: &mut Wakeups, room: usize, next_due: Option<Timestamp>) {
        let mut wait = self.shared.config.poll_interval.saturating_sub(self.asked.elapsed());
        if let Some(due) = next_due {
            wait = wait.min(until(due, self.shared.clock.now()));
        }
        let claim = self.stands().then(|| self.request(room, self.shared.clock.now()));
        let store = Arc::clone(&self.shared.store);
        let handed_over = async {
            match claim {
                Some(claim) => store.claim_when_ready(claim).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What was handed over is taken: a hint that came with it can wait.
            biased;
            // A failure is met by the next look too, which reports it.
            handed = handed_over => if let Ok(batch) = handed {
                let (found, due) = self.take(batch);
                // Where there is no room for more, more may lie elsewhere; and nothing says that it was taken back again.
                let next_due = next_due.into_iter().chain(due).min();
                self.exhausted = self.exhausted.filter(|_| 0 < found && found < room).map(|(since, _)| (since, next_due));
                return;
            },
            () = wakeups.changed() => {}
            _ = self.freed.changed() => {}
            () = tokio::time::sleep(wait) => {}
            () = self.idle.stirred(self.lane), if self.until == Until::Empty => {}
            _ = self.gate.changed() => {}
        }
        self.exhausted = None;
    }

    /// Whether it may be handed jobs that it did not ask for at that moment: not where it must count them before it asks, nor
    /// where it is to end when there are no more.
    fn stands(&self) -> bool {
        self.until == Until::Stopped && !self.shared.crowds.are_counted()
    }

    /// Waits after a failure of the store, longer each time, up to five seconds.
    async fn pause(&mut self) {
        let wait = Duration::from_millis(50 << self.failures.clamp(1, 7)).min(Duration::from_secs(5));
        tokio::select! {
            // Both lead to the gate.
            biased;
            () = tokio::time::sleep(wait) => {}
            _ = self.gate.changed() => {}
        }
    }

    /// Waits until nothing runs and every outcome is written, since either may make jobs ready, and looks once more.
    async fn settle(&mut self, wakeups: &mut Wakeups) -> Settle {
        let settled = async {
            self.shared.running.drained().await;
            self.shared.outcomes.flush().await;
        };
        tokio::select! {
            // When all has settled, the look that follows finds whatever the others would tell of.
            biased;
            () = settled => {}
            () = wakeups.changed() => return Settle::LookAgain,
            _ = self.freed.changed() => return Settle::LookAgain,
            _ = self.gate.changed() => return Settle::LookAgain,
        }
        let round = self.idle.round();
        match self.claim(1).await {
            Some((0, _)) if self.idle.vote(self.lane, round) => Settle::Agreed,
            Some((0, _)) => Settle::Alone,
            _ => Settle::LookAgain,
        }
    }

    /// Ends the worker when the one job it was to perform, if it found any, is done.
    async fn finish_one(&mut self) {
        self.shared.running.drained().await;
        self.shared.outcomes.flush().await;
        self.idle.nothing_left();
        self.gate_moved().await;
    }

    /// Waits for the supervisor to move the gate.
    async fn gate_moved(&mut self) {
        // The supervisor outlives its fetchers; if it doesn't, the next look finds the gate as it was.
        let _ = self.gate.changed().await;
    }

    /// Asks for nothing more, also not for what may be handed over, and gives back what has not started.
    async fn retire(&mut self) {
        if self.stands() {
            let claim = self.request(0, self.shared.clock.now());
            if let Err(error) = self.shared.store.claim(claim).await {
                tracing::warn!(%error, "jobs may still be handed to this worker, and go back when it leaves");
            }
        }
        self.give_back().await;
    }

    /// Gives back what was claimed and has not started.
    async fn give_back(&mut self) {
        let ahead = self.runners.buffer.take_all();
        if *self.gate.borrow() != Gate::Closed {
            self.shared.outcomes.tally().let_go.extend(ahead.iter().map(|(job, _)| job.lease.job));
        }
        for (job, _place) in ahead {
            let finished = Finished { lease: job.lease, outcome: Outcome::Unstarted, at: self.shared.clock.now() };
            self.shared.outcomes.send(finished).await;
        }
    }
}

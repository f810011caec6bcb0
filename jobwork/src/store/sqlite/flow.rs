//! What stands between a due job and a worker that could perform it: pauses, and limits of queues and keys.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::control;
use super::db::Db;
use super::gates::{self, Kind};
use super::limits::{self, Usage, Wake};
use super::rows::{flag, millis};
use crate::job::Limit;
use crate::store::limits::{name_key, queue_key};
use crate::store::{Claim, QueueLimit, Target};

/// So many jobs are held in one claim; the next one goes on.
pub(super) const HELD_AT_MOST: usize = 1_000;

/// What one claim must heed.
#[derive(Debug)]
pub(super) struct Flow {
    now: Timestamp,
    pauses: HashMap<Target, Option<Timestamp>>,
    names_paused: bool,
    queues: HashMap<String, QueueLimit>,
    usage: Usage,
    /// The gates that this claim took from or added to.
    touched: RefCell<BTreeSet<(String, Kind)>>,
}

struct Due {
    kind: Kind,
    hold: Option<String>,
    limits: Vec<Limit>,
}

impl Flow {
    pub(super) fn load(connection: &Connection, now: Timestamp) -> rusqlite::Result<Self> {
        let pauses = control::pauses(connection, now)?;
        Ok(Self {
            now,
            names_paused: pauses.iter().any(|pause| matches!(pause.target, Target::Job(_))),
            pauses: pauses.into_iter().map(|pause| (pause.target, pause.until)).collect(),
            queues: control::queue_limits(connection)?.into_iter().collect(),
            usage: Usage::new(now),
            touched: RefCell::default(),
        })
    }

    /// Whether everything is paused, and until when.
    pub(super) fn everything_paused(&self) -> Option<Option<Timestamp>> {
        self.pauses.get(&Target::Everything).copied()
    }

    /// How many more jobs of a queue may start; where there are none, when that may change.
    pub(super) fn queue_room(&self, db: &Db, queue: &str) -> rusqlite::Result<(usize, Option<i64>)> {
        if !self.pauses.is_empty()
            && let Some(until) = self.pauses.get(&Target::Queue(queue.to_owned()))
        {
            return Ok((0, until.map(millis)));
        }
        let Some(limit) = self.queues.get(queue) else { return Ok((usize::MAX, None)) };
        let key = queue_key(queue);
        let limits = limit.limits(&key);
        let room = self.usage.room(db, &limits, &key)?;
        let wake = if room == 0 { self.usage.wake(db, &limits, &key)? } else { None };
        Ok((room, wake.map(|(_, look)| millis(look))))
    }

    /// Whether anything is paused.
    pub(super) fn is_paused(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// Whether a start must look closer at every job, and not only at those with limits of their own.
    pub(super) fn is_close(&self) -> bool {
        self.names_paused || !self.queues.is_empty()
    }

    /// Takes what a due job needs of its limits, or holds it; says whether it may start.
    pub(super) fn admit(&self, db: &Db, seq: i64) -> rusqlite::Result<bool> {
        let due = due(db, seq)?;
        let (queue, name, _) = &due.kind;
        let paused = self.names_paused && self.pauses.contains_key(&Target::Job(name.clone()));
        let full = self.usage.full(db, &due.limits)?.map(str::to_owned);
        if let Some(key) = paused.then(|| name_key(name)).or(full) {
            self.leave_gate(due.hold.filter(|hold| *hold != key), &due.kind);
            gates::hold(db, seq, &key, &due.kind)?;
            self.touched.borrow_mut().insert((key, due.kind));
            return Ok(false);
        }
        self.usage.take(db, seq, &due.limits)?;
        if let Some(limit) = self.queues.get(queue) {
            self.usage.take(db, seq, &limit.limits(&queue_key(queue)))?;
            let limited = "UPDATE jobwork_jobs SET flags = flags | ?2 WHERE seq = ?1";
            db.execute(limited, params![seq, flag::LIMITED])?;
        }
        if due.hold.is_some() {
            gates::leave(db, seq)?;
        }
        self.leave_gate(due.hold, &due.kind);
        Ok(true)
    }

    /// A candidate leaves its gate, which must be looked at then.
    fn leave_gate(&self, hold: Option<String>, kind: &Kind) {
        self.touched.borrow_mut().extend(hold.map(|key| (key, kind.clone())));
    }

    /// How many jobs of a kind a key has room for.
    pub(super) fn room(&self, db: &Db, key: &str, kind: &Kind, limits: &[Limit]) -> rusqlite::Result<usize> {
        if self.pause_of(key, kind).is_some() { Ok(0) } else { self.usage.room(db, limits, key) }
    }

    /// When a key without room may have some.
    pub(super) fn wake(&self, db: &Db, key: &str, kind: &Kind, limits: &[Limit]) -> rusqlite::Result<Wake> {
        match self.pause_of(key, kind) {
            Some(until) => Ok(until.map(|until| (until, until))),
            None => self.usage.wake(db, limits, key),
        }
    }

    fn pause_of(&self, key: &str, (_, name, _): &Kind) -> Option<Option<Timestamp>> {
        let pause = self.pauses.get(&Target::Job(name.clone()))?;
        (key == name_key(name)).then_some(*pause)
    }

    /// Looks again at the gates that the claim touched.
    pub(super) fn settle(&self, db: &Db) -> rusqlite::Result<()> {
        self.touched.take().iter().try_for_each(|(key, kind)| gates::settle(db, self, key, kind))
    }

    /// When a gate with jobs for this worker, or a queue at its limit, is worth a look.
    pub(super) fn next_look(&self, db: &Db, claim: &Claim) -> rusqlite::Result<Option<i64>> {
        let now = millis(self.now);
        let mut next = gates::next(db, claim)?.map(|(wake, look)| if wake <= now { now } else { look });
        for queue in self.queues.keys() {
            if claim.queues.as_ref().is_none_or(|queues| queues.contains(queue)) {
                next = next.into_iter().chain(self.queue_room(db, queue)?.1).min();
            }
        }
        Ok(next)
    }
}

fn due(db: &Db, seq: i64) -> rusqlite::Result<Due> {
    let due = db
        .prepare("SELECT queue, name, version FROM jobwork_jobs WHERE seq = ?1")?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    Ok(Due { kind: due?, hold: gates::key(db, seq)?, limits: limits::of(db, seq)? })
}

//! Handing out jobs that are due.

use std::sync::LazyLock;

use super::db::Db;
use super::flow::{Flow, HELD_AT_MOST};
use super::ready::{self, Place};
use super::rows::{self, flag, millis, time};
use super::scan::{Found, scan};
use super::unreadable::{Why, or_set_aside, or_undone, readable, set_aside};
use super::{beat, claims, expire, gates, notes, unique};
use crate::job::Claimed;
use crate::store::{BYTES_AT_MOST, Batch, Claim};

/// The answer if there is nothing to hand out: an idle worker must not make the file change.
pub(super) fn look(db: &Db, claim: &Claim) -> rusqlite::Result<Option<Batch>> {
    if claim.limit == 0 || beat::key(db.connection, claim.worker)?.is_none() {
        return Ok(Some(Batch::default()));
    }
    let flow = Flow::load(db.connection, claim.now)?;
    if let Some(until) = flow.everything_paused() {
        return Ok(Some(Batch { jobs: Vec::new(), next_due: until }));
    }
    if gates::any_due(db, claim)? {
        return Ok(None);
    }
    let found = scan(db, claim, 1, &flow, &[])?;
    let next_due = found.next_due.into_iter().chain(flow.next_look(db, claim)?).min();
    let nothing = found.due.is_empty() && found.expired.is_empty();
    Ok(nothing.then(|| Batch { jobs: Vec::new(), next_due: next_due.map(time) }))
}

/// Hands out jobs.
pub(super) fn claim(db: &Db, claim: &Claim) -> rusqlite::Result<Batch> {
    match plan(db, claim)? {
        Some(planned) => planned.write(db, claim),
        None => claim_ready(db, claim),
    }
}

/// Hands out jobs of the line.
fn claim_ready(db: &Db, claim: &Claim) -> rusqlite::Result<Batch> {
    db.write_new_rows()?;
    let Some(key) = beat::key(db.connection, claim.worker)? else { return Ok(Batch::default()) };
    let flow = Flow::load(db.connection, claim.now)?;
    if let Some(until) = flow.everything_paused() {
        return Ok(Batch { jobs: Vec::new(), next_due: until });
    }
    gates::release(db, &flow, claim)?;
    let (jobs, next_due) = start_due(db, claim, key, &flow)?;
    flow.settle(db)?;
    let looks = if jobs.len() < claim.limit { flow.next_look(db, claim)? } else { None };
    Ok(Batch { jobs, next_due: next_due.into_iter().chain(looks).min().map(time) })
}

/// Starts due jobs, and looks for others in the place of those that turn out to be held.
fn start_due(db: &Db, claim: &Claim, key: i64, flow: &Flow) -> rusqlite::Result<(Vec<Claimed>, Option<i64>)> {
    let (mut jobs, mut held, mut bytes) = (Vec::new(), 0, 0);
    loop {
        let missing = claim.limit - jobs.len();
        // Where many are held, many are looked at together.
        let found = scan(db, claim, missing.max(held.min(100)), flow, &jobs)?;
        let (before, started) = (held, jobs.len());
        let mut places = Vec::with_capacity(missing.min(found.due.len()));
        let mut wrong = Vec::new();
        for together in found.due.chunk_by(is_near) {
            if bytes >= BYTES_AT_MOST {
                break;
            }
            let together = &together[..together.len().min(claim.limit - jobs.len())];
            for (place, due) in together.iter().zip(read(db, claim, together, &mut bytes)?) {
                let taken = match due {
                    Ok(due) => or_undone(db, || take(db, flow, due))?,
                    Err(why) => Err(why),
                };
                match taken {
                    Ok(Some(job)) => {
                        jobs.push(job);
                        places.push(*place);
                    }
                    Ok(None) => {
                        // Where it was found, even if it should stand elsewhere: or it would be found again.
                        ready::leave_place(db, &found.queues, place)?;
                        held += 1;
                    }
                    Err(why) => wrong.push((place, why)),
                }
            }
        }
        start(db, key, &found, &places, &mut jobs[started..], claim)?;
        // Only now: whom their end lets go may enter the line between two that leave it together.
        end_in_line(db, &found, &wrong, claim)?;
        held += wrong.len();
        if jobs.len() == claim.limit || (held == before && bytes < BYTES_AT_MOST) {
            return Ok((jobs, found.next_due));
        }
        if held >= HELD_AT_MOST || bytes >= BYTES_AT_MOST {
            return Ok((jobs, Some(millis(claim.now))));
        }
    }
}

/// Ends what stands in the line and can't be started: jobs that have expired, and those that nobody can read. Nothing of them is left
/// there, even where the line says of them what their rows don't.
fn end_in_line(db: &Db, found: &Found, wrong: &[(&Place, Why)], claim: &Claim) -> rusqlite::Result<()> {
    let now = millis(claim.now);
    for place in &found.expired {
        or_set_aside(db, place.seq, now, || expire::end_expired(db, place.seq, now))?;
        ready::leave_place(db, &found.queues, place)?;
    }
    for (place, why) in wrong {
        ready::leave_place(db, &found.queues, place)?;
        set_aside(db, place.seq, why, now)?;
    }
    Ok(())
}

/// Jobs that are ready, as they are handed out.
static READ: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM jobwork_jobs WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq", rows::CLAIMED));

/// What few jobs have of that.
static READ_DETAILS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM jobwork_details WHERE job BETWEEN ?1 AND ?2 ORDER BY job", rows::CLAIMED_DETAILS)
});

/// Whether the next job is read in one go with this one: passing by a few rows costs less than another statement.
fn is_near(place: &Place, next: &Place) -> bool {
    (1..=4).contains(&next.seq.saturating_sub(place.seq))
}

/// A job of the line, or why there is none.
type Read = Result<rows::Due, Why>;

/// Reads jobs that are near one another, the first ones of them where there are enough bytes of arguments by then.
fn read(db: &Db, claim: &Claim, together: &[Place], bytes: &mut usize) -> rusqlite::Result<Vec<Read>> {
    let (Some(first), Some(last)) = (together.first(), together.last()) else { return Ok(Vec::new()) };
    let mut read = db.prepare(&READ)?;
    let mut rows = read.query([first.seq, last.seq])?;
    let none = || Read::Err("the line of ready jobs has it, and there is no such job".into());
    let mut due: Vec<Read> = Vec::with_capacity(together.len());
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        while together.get(due.len()).is_some_and(|place| place.seq < seq) {
            due.push(none());
        }
        if together.get(due.len()).is_some_and(|place| place.seq == seq) {
            let found = readable(rows::claimed(row, claim.worker))?;
            *bytes += found.as_ref().map_or(0, |found| found.job.args.len());
            due.push(found);
        }
        if *bytes >= BYTES_AT_MOST {
            break;
        }
    }
    if *bytes < BYTES_AT_MOST {
        due.resize_with(together.len(), none);
    }
    if due.iter().flatten().any(|due| due.flags & flag::DETAILED != 0) {
        read_details(db, [first.seq, last.seq], &mut due)?;
    }
    Ok(due)
}

fn read_details(db: &Db, between: [i64; 2], due: &mut [Read]) -> rusqlite::Result<()> {
    let mut read = db.prepare(&READ_DETAILS)?;
    let mut rows = read.query(between)?;
    let mut due = due.iter_mut().filter(|due| due.is_ok()).peekable();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        while due.next_if(|due| due.as_ref().is_ok_and(|due| due.seq < seq)).is_some() {}
        let Some(read) = due.next_if(|due| due.as_ref().is_ok_and(|due| due.seq == seq)) else { continue };
        let details = read.as_mut().map(|due| rows::claimed_details(row, &mut due.job));
        if let Ok(details) = details
            && let Err(why) = readable(details)?
        {
            *read = Err(why);
        }
    }
    Ok(())
}

/// Gives a job that is ready, unless it is held.
fn take(db: &Db, flow: &Flow, due: rows::Due) -> rusqlite::Result<Option<Claimed>> {
    let rows::Due { mut job, seq, flags } = due;
    let limited = flow.is_close() || flags & (flag::LIMITED | flag::HELD) != 0;
    if limited && !flow.admit(db, seq)? {
        return Ok(None);
    }
    unique::started(db, seq, flags)?;
    job.checkpoint = notes::checkpoint(db, job.lease.job, flags)?;
    Ok(Some(job))
}

/// Hands the jobs to the worker: they leave the line, and the claim's row says who has them. Their own rows stay as they are.
fn start(
    db: &Db,
    worker: i64,
    found: &Found,
    places: &[Place],
    jobs: &mut [Claimed],
    claim: &Claim,
) -> rusqlite::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    ready::start(db, &found.queues, places)?;
    let seqs: Vec<i64> = places.iter().map(|place| place.seq).collect();
    for place in places.iter().filter(|place| place.expires) {
        expire::leave(db, place.seq)?;
    }
    sign(claims::start(db, worker, &seqs, millis(claim.now))?, jobs);
    Ok(())
}

/// Puts the number of their claim on jobs.
fn sign(number: i64, jobs: &mut [Claimed]) {
    jobs.iter_mut().for_each(|job| job.lease.claim = number.unsigned_abs());
}

/// What a claim gets of new rows.
#[derive(Debug)]
pub(super) struct Planned {
    /// The key of the worker.
    worker: i64,
    batch: Batch,
}

/// Takes new rows for a claim where nothing else is ready for it, and nothing is paused or limited: they will never stand in the
/// line. Writes nothing yet; `None` where the line has to be asked.
pub(super) fn plan(db: &Db, claim: &Claim) -> rusqlite::Result<Option<Planned>> {
    if db.new_rows.is_empty() {
        return Ok(None);
    }
    let Some(worker) = beat::key(db.connection, claim.worker)? else { return Ok(None) };
    let flow = Flow::load(db.connection, claim.now)?;
    if flow.is_close() || flow.is_paused() || gates::any_due(db, claim)? {
        return Ok(None);
    }
    let found = scan(db, claim, 1, &flow, &[])?;
    if !found.due.is_empty() || !found.expired.is_empty() {
        return Ok(None);
    }
    let looks = [found.next_due, flow.next_look(db, claim)?].into_iter().flatten().map(time);
    // From here on nothing fails: whoever goes on without the plan would lose the rows.
    let mut batch = db.new_rows.hand(claim);
    batch.next_due = batch.next_due.into_iter().chain(looks).min();
    Ok(Some(Planned { worker, batch }))
}

impl Planned {
    /// The numbers of the jobs.
    pub(super) fn seqs(&self) -> impl Iterator<Item = i64> {
        self.batch.jobs.iter().filter_map(|job| rows::row_of(job.lease.job)).map(|(seq, _)| seq)
    }

    /// Writes down that the worker has the jobs.
    pub(super) fn write(mut self, db: &Db, claim: &Claim) -> rusqlite::Result<Batch> {
        let seqs: Vec<i64> = self.seqs().collect();
        if !seqs.is_empty() {
            sign(claims::start(db, self.worker, &seqs, millis(claim.now))?, &mut self.batch.jobs);
        }
        Ok(self.batch)
    }
}

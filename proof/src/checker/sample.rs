//! Small histories, written by hand.

use jobwork::{JobId, JobState, WorkerId};

use super::{View, Violation};
use crate::history::{Event, Line, Promise, Remains, Run};

pub(super) fn job(number: u64) -> JobId {
    JobId::derive(number, jiff::Timestamp::UNIX_EPOCH)
}

pub(super) fn worker(number: u32) -> WorkerId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

/// A run of a worker that makes this claim only, and has its number.
pub(super) fn run(number: u64, attempt: u32, claim: u32) -> Run {
    Run { job: job(number), attempt, worker: worker(claim), claim: claim.into() }
}

fn promise(number: u64) -> Promise {
    Promise { job: job(number), name: "job".to_owned(), chain: None, place: 0, existing: false }
}

pub(super) fn dispatched(number: u64) -> Event {
    Event::Dispatched { jobs: vec![promise(number)] }
}

pub(super) fn existing(number: u64) -> Event {
    Event::Dispatched { jobs: vec![Promise { existing: true, ..promise(number) }] }
}

pub(super) fn chain<const N: usize>(numbers: [u64; N]) -> Event {
    let first = Some(job(numbers[0]));
    let member = |(place, number)| Promise { chain: first, place, ..promise(number) };
    Event::Dispatched { jobs: (0..).zip(numbers).map(member).collect() }
}

pub(super) fn claimed(run: Run) -> Event {
    claimed_with(run, "{}")
}

pub(super) fn claimed_with(run: Run, args: &str) -> Event {
    Event::Claimed { run, args: args.to_owned() }
}

pub(super) fn started(run: Run) -> Event {
    Event::Started { run }
}

pub(super) fn writing(run: Run, outcome: &str) -> Event {
    Event::Writing { run, outcome: outcome.to_owned() }
}

pub(super) fn written(run: Run, outcome: &str, stored: bool) -> Event {
    Event::Written { run, outcome: outcome.to_owned(), stored }
}

/// A run that is handed out, and whose outcome is taken.
pub(super) fn whole(run: Run, outcome: &str) -> [Event; 4] {
    [claimed(run), started(run), writing(run, outcome), written(run, outcome, true)]
}

pub(super) fn rescuing() -> Event {
    Event::Rescuing
}

pub(super) fn rescued<const N: usize>(numbers: [u64; N]) -> Event {
    Event::Rescued { jobs: numbers.map(job).to_vec() }
}

pub(super) fn cancelling(number: u64) -> Event {
    Event::Cancelling { job: job(number) }
}

pub(super) fn cancelled(number: u64, answer: &str) -> Event {
    Event::Cancelled { job: job(number), answer: answer.to_owned() }
}

/// What is left of a job that ran once, or not at all.
pub(super) fn left(number: u64, state: JobState) -> Remains {
    Remains {
        job: job(number),
        state,
        attempt: u32::from(state == JobState::Completed),
        rescues: 0,
        args: "{}".to_owned(),
        output: None,
        reason: None,
        story: Vec::new(),
    }
}

pub(super) fn remains(number: u64, state: JobState) -> Event {
    Event::Remains(left(number, state))
}

/// The lines of these events, all by one process, a tenth of a second apart.
pub(super) fn of(events: impl IntoIterator<Item = Event>) -> Vec<Line> {
    by(events.into_iter().map(|event| (1, event)))
}

/// The lines of these events, each by a process.
pub(super) fn by(events: impl IntoIterator<Item = (u32, Event)>) -> Vec<Line> {
    (0..).zip(events).map(|(place, (by, event))| Line { at: place * 100, by, event }).collect()
}

type Check = fn(&View<'_>) -> Vec<Violation>;

#[track_caller]
pub(super) fn assert_kept(check: Check, lines: &[Line]) {
    assert_eq!(check(&View::new(lines)), [], "a good history");
}

#[track_caller]
pub(super) fn assert_broken(check: Check, lines: &[Line]) {
    assert_eq!(check(&View::new(lines)).len(), 1, "a bad history: {lines:#?}");
}

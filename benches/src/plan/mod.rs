//! Which measures there are, and what each is compared with.

mod postgres;

use crate::arguments::Arguments;
use crate::bare::Bare;
use crate::jobs::{self, Load};
use crate::measure::Kind;
use crate::place::Place;

/// The parts that can be asked for by name, and whether each is only measured when it is.
pub(crate) const PARTS: &[(&str, bool, &str)] = &[
    ("dispatch", false, "storing jobs: one at a time from 1, 64 and 512 tasks, and in bulk"),
    ("drain", false, "performing ready jobs: 1, 10, 100 and 1000 at a time, rows kept and dropped"),
    ("end-to-end", false, "64 dispatchers beside a worker, in one process and in two"),
    ("chain", false, "chains of three jobs"),
    ("mixed", false, "failures, delays, cancelled jobs, a hundred queues"),
    ("pick-up", false, "from dispatch to start on an idle worker, in one process and in two"),
    ("open-loop", false, "from dispatch to start at 5, 10, 25, 50 and 75 % of the drain rate"),
    ("slow", false, "jobs of one millisecond"),
    ("large", false, "arguments of 4 KiB"),
    ("full", false, "a store with a million finished jobs"),
    (
        "wear",
        false,
        "what a drain leaves behind: dead rows, tables and indexes that grow, bytes of the log; on Postgres",
    ),
    ("held", false, "drains while another session holds a transaction open; on Postgres"),
    ("processes", true, "eight processes dispatch and eight work on one store for a minute"),
    ("idle", true, "processor time and memory of a worker without work, over a minute"),
    (
        "size",
        true,
        "the cost of a job beside a thousand to ten million finished ones; on Postgres drains, and beside waiting ones too",
    ),
];

/// The measure whose rate the open loops are a share of.
pub(crate) const DRAIN: &str = "drain, 1000 at a time";

/// How a measure is compared with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its rate.
    Rate,
    /// Half of its jobs waited so long.
    Wait,
    /// Its processor time per job.
    Cost,
}

/// A measure, to be taken once a round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its part of the plan.
    pub(crate) part: &'static str,
    /// Its own name.
    pub(crate) name: String,
    /// What is done.
    pub(crate) kind: Kind,
    /// What the jobs are like.
    pub(crate) load: Load,
    /// How many there are.
    pub(crate) jobs: u64,
    /// The measure it is compared with, and how.
    pub(crate) beside: Option<(String, By)>,
    /// The percentage of the drain rate that its own rate is, where it is one.
    pub(crate) percent: Option<u64>,
}

impl Row {
    fn new(part: &'static str, name: impl Into<String>, kind: Kind, jobs: u64) -> Self {
        let name = name.into();
        Self { part, name, kind, load: Load::PLAIN, jobs: jobs.max(1), beside: None, percent: None }
    }

    fn bare(part: &'static str, name: &str, test: Bare, jobs: u64) -> Self {
        Self::new(part, format!("bare: {name}"), Kind::Bare(test), jobs)
    }

    fn beside(mut self, name: impl Into<String>) -> Self {
        self.beside = Some((name.into(), By::Rate));
        self
    }

    fn beside_by(mut self, name: impl Into<String>, by: By) -> Self {
        self.beside = Some((name.into(), by));
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Load)) -> Self {
        change(&mut self.load);
        self
    }

    /// Whether it is the ruler's.
    pub(crate) const fn is_bare(&self) -> bool {
        matches!(self.kind, Kind::Bare(_))
    }

    /// Whether it needs a store that several processes can use.
    const fn is_shared(&self) -> bool {
        use Kind::{EndToEnd, Idle, PickUp, Processes};
        matches!(self.kind, EndToEnd { elsewhere: true } | PickUp { elsewhere: true } | Processes { .. } | Idle { .. })
    }
}

/// The measures that were asked for, and those that they are compared with, in the order in which they are taken.
pub(crate) fn plan(arguments: &Arguments) -> Vec<Row> {
    let (ruler, shared) = (arguments.place.has_ruler(), arguments.place.is_shared());
    let mut rows = all(arguments);
    rows.retain(|row| (ruler || !row.is_bare()) && (shared || !row.is_shared()));
    let mut wanted: Vec<String> =
        rows.iter().filter(|row| arguments.wants(row.part)).map(|row| row.name.clone()).collect();
    let mut next = 0;
    while let Some(name) = wanted.get(next) {
        let row = rows.iter().find(|row| row.name == *name);
        let beside = row.and_then(|row| row.beside.as_ref()).map(|(beside, _)| beside.clone());
        let share = row.and_then(|row| row.percent).map(|_| DRAIN.to_owned());
        let more: Vec<String> = beside.into_iter().chain(share).filter(|name| !wanted.contains(name)).collect();
        wanted.extend(more);
        next += 1;
    }
    rows.retain(|row| wanted.contains(&row.name) && (row.is_bare() || !arguments.bare));
    rows
}

type Part = fn(&Arguments) -> Vec<Row>;

fn all(arguments: &Arguments) -> Vec<Row> {
    let some: [Part; 6] = [dispatch, drain, end_to_end, waits, loads, long];
    let is_postgres = matches!(arguments.place, Place::Postgres(_));
    let own: &[Part] =
        if is_postgres { &[postgres::drain, postgres::wear, postgres::held, postgres::size] } else { &[size] };
    let mut rows: Vec<Row> = some.iter().chain(own).flat_map(|part| part(arguments)).collect();
    if is_postgres {
        postgres::compare(&mut rows);
    }
    rows
}

fn dispatch(arguments: &Arguments) -> Vec<Row> {
    let jobs = arguments.jobs;
    let mut rows = vec![
        Row::bare("dispatch", "dispatch, 1 task, inline", Bare::Inline, jobs / 20),
        Row::new("dispatch", "dispatch, 1 task", Kind::Dispatch { tasks: 1 }, jobs / 20)
            .beside("bare: dispatch, 1 task, inline"),
    ];
    for tasks in [64, 512] {
        let name = format!("dispatch, {tasks} tasks");
        rows.push(Row::bare("dispatch", &name, Bare::Dispatch { tasks }, jobs));
        rows.push(Row::new("dispatch", &*name, Kind::Dispatch { tasks }, jobs).beside(format!("bare: {name}")));
    }
    rows.push(Row::bare("dispatch", "dispatch in bulk", Bare::Bulk, 2 * jobs));
    rows.push(Row::new("dispatch", "dispatch in bulk", Kind::Bulk, 2 * jobs).beside("bare: dispatch in bulk"));
    rows
}

fn drain(arguments: &Arguments) -> Vec<Row> {
    let jobs = arguments.jobs;
    let mut rows = Vec::new();
    for (kept, end) in [(true, ""), (false, ", rows dropped")] {
        let bare = format!("drain{end}");
        rows.push(Row::bare("drain", &bare, Bare::Drain { kept }, 2 * jobs));
        for (at_once, jobs) in [(1000, 2 * jobs), (100, 2 * jobs), (10, jobs), (1, jobs / 5)] {
            let row = Row::new("drain", drain_name(at_once, kept), Kind::Drain { at_once }, jobs);
            let kind = if kept { jobs::Kind::Kept } else { jobs::Kind::Dropped };
            rows.push(row.with(|load| load.kind = kind).beside(format!("bare: {bare}")));
        }
    }
    rows.push(Row::new("chain", "chains of three", Kind::Chain, jobs / 2).beside(DRAIN));
    rows
}

fn drain_name(at_once: usize, kept: bool) -> String {
    format!("drain, {at_once} at a time{}", if kept { "" } else { ", rows dropped" })
}

fn end_to_end(arguments: &Arguments) -> Vec<Row> {
    let jobs = arguments.jobs;
    let here = Kind::EndToEnd { elsewhere: false };
    let mut rows = Vec::new();
    for (kept, end) in [(true, ""), (false, ", rows dropped")] {
        let name = format!("end to end{end}");
        let kind = if kept { jobs::Kind::Kept } else { jobs::Kind::Dropped };
        rows.push(Row::bare("end-to-end", &name, Bare::EndToEnd { kept }, jobs));
        let row = Row::new("end-to-end", &*name, here, jobs).beside(format!("bare: {name}"));
        rows.push(row.with(|load| load.kind = kind));
    }
    let elsewhere = Kind::EndToEnd { elsewhere: true };
    rows.push(Row::new("end-to-end", "end to end, two processes", elsewhere, jobs).beside("end to end"));
    rows.push(Row::new("mixed", "mixed", Kind::Mixed, jobs).beside("end to end"));
    rows
}

fn waits(arguments: &Arguments) -> Vec<Row> {
    let few = arguments.jobs.min(300);
    let mut rows = vec![
        Row::bare("pick-up", "pick-up", Bare::PickUp, few),
        Row::new("pick-up", "pick-up", Kind::PickUp { elsewhere: false }, few).beside_by("bare: pick-up", By::Wait),
        Row::new("pick-up", "pick-up, other process", Kind::PickUp { elsewhere: true }, few),
    ];
    for percent in [5, 10, 25, 50, 75] {
        let kind = Kind::OpenLoop { rate: 0.0 };
        // How many there are depends on the rate, which is known when the drain has been measured.
        let row = Row::new("open-loop", format!("open loop, {percent} % of the drain"), kind, 4 * arguments.jobs);
        rows.push(Row { percent: Some(percent), ..row });
    }
    rows
}

/// The same with other jobs, and in a store that is not empty.
fn loads(arguments: &Arguments) -> Vec<Row> {
    let jobs = arguments.jobs;
    let mut rows = Vec::new();
    for at_once in [100, 1000] {
        let row = Row::new("slow", format!("drain, {at_once} at a time, 1 ms"), Kind::Drain { at_once }, jobs);
        rows.push(row.with(|load| load.kind = jobs::Kind::Slow).beside(format!("drain, {at_once} at a time")));
    }
    let kinds = [
        ("dispatch, 64 tasks", Kind::Dispatch { tasks: 64 }, jobs),
        ("dispatch in bulk", Kind::Bulk, jobs),
        (DRAIN, Kind::Drain { at_once: 1000 }, jobs),
        ("end to end", Kind::EndToEnd { elsewhere: false }, jobs),
    ];
    for (name, kind, jobs) in kinds {
        let row = Row::new("large", format!("{name}, 4 KiB"), kind, jobs / 2).beside(name);
        rows.push(row.with(|load| load.bytes = 4_096));
    }
    for (name, kind, jobs) in kinds {
        let row = Row::new("full", format!("{name}, {} finished", arguments.finished), kind, jobs).beside(name);
        rows.push(row.with(|load| load.beside.finished = arguments.finished));
    }
    rows
}

fn long(arguments: &Arguments) -> Vec<Row> {
    let seconds = arguments.seconds;
    vec![
        Row::new("processes", "16 processes", Kind::Processes { seconds }, 1).beside("end to end"),
        Row::new("idle", "idle worker", Kind::Idle { seconds }, 1),
    ]
}

fn size(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    let name = |rows: u64| format!("push and drain, {rows} finished");
    for finished in sizes(arguments.rows) {
        let row = Row::new("size", name(finished), Kind::PushAndDrain, arguments.jobs.min(20_000));
        let row = row.with(|load| load.beside.finished = finished);
        rows.push(if finished == SMALLEST { row } else { row.beside_by(name(SMALLEST), By::Cost) });
    }
    rows
}

const SMALLEST: u64 = 1_000;

/// 1,000, 10,000 and so on, up to this.
fn sizes(most: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(SMALLEST), |size| size.checked_mul(10)).take_while(move |size| *size <= most)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::arguments::{command, store};

    const POSTGRES: &str = "postgres://me@here/mine";

    fn rows(words: &[&str]) -> Vec<Row> {
        let matches = command().get_matches_from([&["jobwork-bench"], words].concat());
        let place = Place::of(store(&matches), Path::new("here"));
        plan(&Arguments::of(&matches, place))
    }

    fn names(words: &[&str]) -> Vec<String> {
        rows(words).into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn every_measure_has_a_name_of_its_own_and_comes_after_what_it_is_compared_with() {
        let (sqlite, postgres) = (rows(&["--long"]), rows(&["--long", "--store", POSTGRES]));
        for rows in [&sqlite, &postgres] {
            for (index, row) in rows.iter().enumerate() {
                let before = |name: &str| rows[..index].iter().any(|row| row.name == name);
                assert!(!before(&row.name), "{} twice", row.name);
                assert!(row.beside.as_ref().is_none_or(|(name, _)| before(name)), "{row:?}");
                assert!(row.percent.is_none() || before(DRAIN), "{row:?}");
                assert!(PARTS.iter().any(|(part, ..)| *part == row.part), "{row:?}");
            }
        }
        for (part, ..) in PARTS {
            assert!(postgres.iter().any(|row| row.part == *part), "no measure of {part}");
            assert!(
                sqlite.iter().any(|row| row.part == *part) || ["wear", "held"].contains(part),
                "no measure of {part}"
            );
        }
    }

    #[test]
    fn on_postgres_two_processes_are_compared_with_the_ruler() {
        let rows = rows(&["--store", POSTGRES]);
        for (name, bare) in
            [("end to end, two processes", "bare: end to end"), ("pick-up, other process", "bare: pick-up")]
        {
            let row = rows.iter().find(|row| row.name == name).unwrap();
            assert_eq!(row.beside.as_ref().map(|(name, _)| &**name), Some(bare));
        }
    }

    #[test]
    fn the_ruler_can_be_taken_alone() {
        assert_eq!(names(&["--bare", "--only", "chain"]), ["bare: drain"]);
        let names = names(&["--bare", "--store", POSTGRES, "--long"]);
        assert!(names.contains(&"bare: drain, by leases".to_owned()));
        assert!(names.iter().all(|name| name.starts_with("bare: ")), "{names:?}");
    }

    #[test]
    fn a_part_comes_with_what_it_is_compared_with() {
        assert_eq!(names(&["--only", "chain"]), ["bare: drain", DRAIN, "chains of three"]);
        assert_eq!(names(&["--only", "idle"]), ["idle worker"]);
    }

    #[test]
    fn a_store_of_one_process_has_no_measures_of_several_and_no_bare_ones() {
        let names = names(&["--store", "memory", "--long"]);
        assert!(names.contains(&"mixed".to_owned()));
        assert!(!names.iter().any(|name| name.contains("process") || name.contains("bare") || name.contains("idle")));
    }
}

//! Taking the measures of a plan in turn, round after round.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::arguments::Arguments;
use crate::figure::{Figure, Spread};
use crate::fill::Fill;
use crate::jobs::Beside;
use crate::measure::{Kind, Measure};
use crate::place::{Place, template};
use crate::plan::{self, By, DRAIN, Row};
use crate::postgres::{Database, Templates};
use crate::task::{Other, Task};

/// An open loop takes so many seconds.
const OPEN_LOOP: f64 = 2.0;

/// A measure with what its rounds found.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The measure.
    pub(crate) row: Row,
    /// What each round found; nothing where it failed.
    pub(crate) rounds: Vec<Option<Figure>>,
    /// Why rounds failed.
    pub(crate) failures: Vec<String>,
}

/// What the rounds of a measure say together.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Jobs per second.
    pub(crate) rate: Option<Spread>,
    /// Microseconds of processor time per job.
    pub(crate) cpu_per_job: Option<Spread>,
    /// Bytes written per job.
    pub(crate) written_per_job: Option<Spread>,
    /// The most memory in a round, in KiB.
    pub(crate) peak_kib: Option<Spread>,
    /// The share of a core that was busy, in percent.
    pub(crate) busy: Option<Spread>,
    /// The share of a core that the store's server was busy with.
    pub(crate) server_busy: Option<Spread>,
    /// Transactions of the server a second.
    pub(crate) transactions: Option<Spread>,
    /// The memory at the end, in KiB.
    pub(crate) resident_kib: Option<Spread>,
    /// Half of the jobs waited no longer, in microseconds.
    pub(crate) p50: Option<Spread>,
    /// All but one in a hundred waited no longer.
    pub(crate) p99: Option<Spread>,
    /// None waited longer.
    pub(crate) max: Option<Spread>,
    /// The ratio to the measure it is compared with, of the same rounds.
    pub(crate) ratio: Option<Spread>,
    /// The ratio of what all jobs but one in a hundred waited no longer than, where waits are compared.
    pub(crate) ratio_p99: Option<Spread>,
}

impl Taken {
    /// The rounds that did not fail.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.rounds.iter().flatten()
    }

    fn spread(&self, value: impl Fn(&Figure) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.figures().filter_map(value))
    }

    /// What the rounds say together.
    pub(crate) fn summary(&self, all: &[Self]) -> Summary {
        let latency =
            |value: fn(&crate::figure::Latency) -> f64| self.spread(|figure| figure.latency.as_ref().map(value));
        Summary {
            rate: self.spread(|figure| Some(figure.rate())),
            cpu_per_job: self.spread(|figure| Some(figure.cpu_per_job())),
            written_per_job: self.spread(Figure::written_per_job),
            peak_kib: self.spread(|figure| Some(figure.peak_kib as f64)),
            busy: self.spread(|figure| Some(figure.busy())),
            server_busy: self.spread(Figure::server_busy),
            transactions: self.spread(Figure::transactions),
            resident_kib: self.spread(|figure| Some(figure.resident_kib as f64)),
            p50: latency(|latency| latency.p50),
            p99: latency(|latency| latency.p99),
            max: latency(|latency| latency.max),
            ratio: self.ratio(all, |figure, by| match by {
                By::Rate => Some(figure.rate()),
                By::Wait => figure.latency.map(|latency| latency.p50),
                By::Cost => Some(figure.cpu_per_job()),
            }),
            ratio_p99: self.ratio(all, |figure, by| match by {
                By::Wait => figure.latency.map(|latency| latency.p99),
                By::Rate | By::Cost => None,
            }),
        }
    }

    fn ratio(&self, all: &[Self], value: impl Fn(&Figure, By) -> Option<f64>) -> Option<Spread> {
        let (name, by) = self.row.beside.as_ref()?;
        let other = all.iter().find(|taken| taken.row.name == *name)?;
        let rounds = self.rounds.iter().zip(&other.rounds);
        Spread::of(rounds.filter_map(|(own, other)| Some(value(own.as_ref()?, *by)? / value(other.as_ref()?, *by)?)))
    }
}

/// Takes all measures, each in a process of its own.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Taken>> {
    let begin = |row| Taken { row, rounds: Vec::new(), failures: Vec::new() };
    let mut all: Vec<Taken> = plan::plan(arguments).into_iter().map(begin).collect();
    ensure!(!all.is_empty(), "expected a part that can be measured on this store: `--list` lists them");
    let templates = prepare(&arguments.place, &all)?;
    for round in 1..=arguments.rounds {
        for index in 0..all.len() {
            eprint!(
                "round {round} of {}, {} of {}: {} … ",
                arguments.rounds,
                index + 1,
                all.len(),
                all[index].row.name
            );
            let measured = measure(arguments, &templates, &all, index);
            match &measured {
                Ok(figure) => eprintln!("{:.0}/s", figure.rate()),
                Err(error) => eprintln!("failed: {error:#}"),
            }
            all[index].failures.extend(measured.as_ref().err().map(|error| format!("{error:#}")));
            all[index].rounds.push(measured.ok());
        }
    }
    Ok(all)
}

/// Makes what full stores are copies of.
fn prepare(place: &Place, all: &[Taken]) -> Result<Templates> {
    let mut templates = Templates::default();
    let all: BTreeSet<Beside> = all.iter().map(|taken| taken.row.load.beside).collect();
    for beside in all.into_iter().filter(|beside| *beside != Beside::NONE) {
        let fill = match place {
            Place::Sqlite { folder } => {
                Fill::File { file: template(folder, beside.finished), finished: beside.finished }
            }
            Place::Postgres(server) => {
                let database = Database::create(server, None)?;
                let address = database.address();
                templates.keep(beside, database);
                Fill::Database { address, beside }
            }
            Place::Url(_) => continue,
        };
        eprintln!("filling a store with {} finished jobs and {} that wait", beside.finished, beside.waiting);
        Other::start(&Task::Fill(fill))?.end::<()>()?;
    }
    Ok(templates)
}

fn measure(arguments: &Arguments, templates: &Templates, all: &[Taken], index: usize) -> Result<Figure> {
    let row = &all[index].row;
    let (mut kind, mut jobs) = (row.kind, row.jobs);
    if let (Kind::OpenLoop { .. }, Some(percent)) = (kind, row.percent) {
        let drain = all.iter().find(|taken| taken.row.name == DRAIN).and_then(|taken| taken.rounds.last()?.as_ref());
        let rate =
            drain.context("the rate is a share of that of a drain, which has failed")?.rate() * percent as f64 / 100.0;
        (kind, jobs) = (Kind::OpenLoop { rate }, jobs.min((rate * OPEN_LOOP) as u64).max(1));
    }
    let measure = |place| Other::start(&Task::Measure(Measure { kind, load: row.load, jobs, place }))?.end();
    match &arguments.place {
        Place::Postgres(server) => {
            let own = templates.database(server, row.load.beside)?;
            measure(Place::Postgres(own.address()))
        }
        place => measure(place.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Latency;
    use crate::jobs::Load;

    fn taken(name: &str, beside: Option<(&str, By)>, seconds: &[f64]) -> Taken {
        let figure = |seconds: &f64| Some(Figure { jobs: 10, seconds: *seconds, ..Figure::default() });
        let row = Row {
            part: "drain",
            name: name.to_owned(),
            kind: Kind::Bulk,
            load: Load::PLAIN,
            jobs: 10,
            beside: beside.map(|(name, by)| (name.to_owned(), by)),
            percent: None,
        };
        Taken { row, rounds: seconds.iter().map(figure).collect(), failures: vec![] }
    }

    #[test]
    fn ratios_are_of_one_round() {
        let mut all =
            vec![taken("bare", None, &[1.0, 2.0, 4.0]), taken("drain", Some(("bare", By::Rate)), &[2.0, 2.0, 5.0])];
        let ratio = all[1].summary(&all).ratio.unwrap();
        assert_eq!((ratio.low, ratio.median, ratio.high), (0.5, 0.8, 1.0));
        all[0].rounds[1] = None;
        let ratio = all[1].summary(&all).ratio.unwrap();
        assert_eq!((ratio.low, ratio.high), (0.5, 0.8));
        assert!(all[1].summary(&all).ratio_p99.is_none());
    }

    #[test]
    fn waits_are_compared_at_half_and_at_nearly_all_jobs() {
        let mut all = vec![taken("bare", None, &[1.0]), taken("pick-up", Some(("bare", By::Wait)), &[1.0])];
        for (taken, p50, p99) in [(0, 2.0, 10.0), (1, 3.0, 11.0)] {
            let latency = Latency { p50, p99, max: p99, samples: 100 };
            all[taken].rounds[0].as_mut().unwrap().latency = Some(latency);
        }
        let summary = all[1].summary(&all);
        assert_eq!(summary.ratio.map(|ratio| ratio.median), Some(1.5));
        assert_eq!(summary.ratio_p99.map(|ratio| ratio.median), Some(1.1));
    }
}

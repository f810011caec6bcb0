//! What a run has found: tables for people, JSON for programs.

use serde_json::{Map, Value, json};

use crate::figure::{Figure, Spread};
use crate::machine::Settings;
use crate::measure::Kind;
use crate::plan::By;
use crate::postgres::Wear;
use crate::run::{Summary, Taken};
use crate::table::{Table, figure};

/// What was found under which settings.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The settings.
    pub(crate) settings: Settings,
    /// What was found.
    pub(crate) taken: Vec<Taken>,
}

const RATES: &[&str] = &[
    "measure",
    "per second",
    "range",
    "compared",
    "µs CPU",
    "bytes written",
    "MiB peak",
    "p50 ms",
    "p99 ms",
    "max ms",
];

const WEAR: &[&str] = &[
    "measure",
    "WAL bytes",
    "rows made dead",
    "left dead",
    "table bytes grown",
    "index bytes grown",
    "tables MiB",
    "indexes MiB",
];

const IDLE: &[&str] = &["measure", "% of a core", "range", "MiB", "transactions per second", "% of a core, server"];

impl Report {
    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let settings: String = self.settings.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let tables: String = self.tables().iter().map(|table| format!("\n{}", table.text())).collect();
        let problems: String = self.problems().iter().map(|problem| format!("\n{problem}")).collect();
        format!("{settings}{tables}\nErrors and warnings\n{problems}")
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let settings: String = self.settings.iter().map(|(name, value)| format!("- {name}: {value}\n")).collect();
        let tables: String = self.tables().iter().map(|table| format!("\n{}", table.markdown())).collect();
        let problems: String = self.problems().iter().map(|problem| format!("\n- {problem}")).collect();
        format!("{settings}{tables}\n### Errors and warnings\n{problems}\n")
    }

    /// Every round's figures.
    pub(crate) fn json(&self) -> Value {
        let settings: Map<_, _> =
            self.settings.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        let measures = self.taken.iter().map(|taken| {
            let (row, compared) = (&taken.row, taken.row.beside.as_ref().map(|(name, _)| name));
            json!({
                "part": row.part, "name": row.name, "bare": row.is_bare(), "load": row.load, "compared_with": compared,
                "summary": taken.summary(&self.taken), "rounds": taken.rounds, "failures": taken.failures,
            })
        });
        json!({ "settings": settings, "measures": measures.collect::<Vec<_>>() })
    }

    /// Whether a measure failed: then some job was lost, or ran twice, or its end was never seen.
    pub(crate) fn has_failures(&self) -> bool {
        self.taken.iter().any(|taken| !taken.failures.is_empty())
    }

    fn tables(&self) -> Vec<Table> {
        let is_idle = |taken: &&Taken| matches!(taken.row.kind, Kind::Idle { .. });
        let mut rates = Table::new("Medians of all rounds", RATES);
        rates.rows = self.taken.iter().filter(|taken| !is_idle(taken)).map(|taken| self.rates(taken)).collect();
        let mut wear = Table::new("Wear, per job", WEAR);
        wear.rows = self.taken.iter().filter_map(wear_row).collect();
        let mut idle = Table::new("A worker with nothing to do", IDLE);
        idle.rows =
            self.taken.iter().filter(is_idle).map(|taken| idle_row(taken, &taken.summary(&self.taken))).collect();
        let processes = self.taken.iter().filter_map(processes);
        [rates, wear, idle].into_iter().chain(processes).filter(|table| !table.rows.is_empty()).collect()
    }

    fn rates(&self, taken: &Taken) -> Vec<String> {
        let summary = taken.summary(&self.taken);
        // Single jobs come at the pace of the measure.
        let rate = summary.rate.filter(|_| !is_paced(taken));
        let thousandth = |spread: Option<Spread>| median(spread.map(|spread| scaled(spread, 1e-3)));
        vec![
            taken.row.name.clone(),
            median(rate),
            range(rate),
            compared(taken, &summary),
            median(summary.cpu_per_job),
            median(summary.written_per_job),
            median(summary.peak_kib.map(|spread| scaled(spread, 1.0 / 1_024.0))),
            thousandth(summary.p50),
            thousandth(summary.p99),
            thousandth(summary.max),
        ]
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for taken in &self.taken {
            let noted = taken.figures().flat_map(|figure| &figure.problems);
            problems.extend(taken.failures.iter().chain(noted).map(|problem| format!("{}: {problem}", taken.row.name)));
        }
        if problems.is_empty() {
            problems.push("none".to_owned());
        }
        problems
    }
}

const fn is_paced(taken: &Taken) -> bool {
    matches!(taken.row.kind, Kind::PickUp { .. } | Kind::Bare(crate::bare::Bare::PickUp))
}

fn scaled(spread: Spread, by: f64) -> Spread {
    Spread { median: spread.median * by, low: spread.low * by, high: spread.high * by }
}

fn median(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |spread| figure(spread.median))
}

fn range(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |spread| format!("{}–{}", figure(spread.low), figure(spread.high)))
}

fn compared(taken: &Taken, summary: &Summary) -> String {
    let (Some(ratio), Some((name, by))) = (summary.ratio, &taken.row.beside) else { return String::new() };
    let of = match by {
        By::Rate => "rate",
        By::Wait => "p50",
        By::Cost => "CPU",
    };
    let name = if name.starts_with("bare: ") { "bare" } else { name };
    let p99 = summary.ratio_p99.map_or_else(String::new, |ratio| format!(", {:.2} of the p99", ratio.median));
    format!("{:.2} of the {of}{p99} of {name}", ratio.median)
}

fn idle_row(taken: &Taken, summary: &Summary) -> Vec<String> {
    let memory = summary.resident_kib.map(|spread| scaled(spread, 1.0 / 1_024.0));
    vec![
        taken.row.name.clone(),
        median(summary.busy),
        range(summary.busy),
        median(memory),
        median(summary.transactions),
        median(summary.server_busy),
    ]
}

/// The medians of what the jobs of a measure left behind, where that was looked at.
fn wear_row(taken: &Taken) -> Option<Vec<String>> {
    let spread = |value: fn(&Wear) -> i64, per: fn(&Figure) -> f64| {
        Spread::of(taken.figures().filter_map(|figure| Some(value(figure.wear.as_ref()?) as f64 / per(figure))))
    };
    let jobs = |figure: &Figure| figure.jobs as f64;
    let mib = |_: &Figure| 1_048_576.0;
    spread(|wear| wear.wal_bytes, jobs)?;
    Some(vec![
        taken.row.name.clone(),
        median(spread(|wear| wear.wal_bytes, jobs)),
        median(spread(|wear| wear.made_dead, jobs)),
        median(spread(|wear| wear.left_dead, jobs)),
        median(spread(|wear| wear.table_growth, jobs)),
        median(spread(|wear| wear.index_growth, jobs)),
        median(spread(|wear| wear.table_bytes, mib)),
        median(spread(|wear| wear.index_bytes, mib)),
    ])
}

/// The processes of the round with the lowest rate: the one in which most may have starved.
fn processes(taken: &Taken) -> Option<Table> {
    let slowest = taken.figures().min_by(|one, other| one.rate().total_cmp(&other.rate()))?;
    let title = format!("{}, one by one, in the slowest round", taken.row.name);
    let mut table = Table::new(&title, &["process", "jobs", "per second", "CPU s", "slowest dispatch ms"]);
    table.rows = process_rows(slowest);
    Some(table).filter(|table| !table.rows.is_empty())
}

fn process_rows(round: &Figure) -> Vec<Vec<String>> {
    let row = |(index, process): (usize, &crate::figure::Process)| {
        vec![
            format!("{} {}", index + 1, process.role),
            figure(process.jobs as f64),
            figure(process.rate),
            figure(process.cpu_seconds),
            process.longest.map_or_else(String::new, |longest| figure(longest / 1e3)),
        ]
    };
    round.processes.iter().enumerate().map(row).collect()
}

//! The measures that only Postgres has, and what it has beside those that all stores have.

use super::{By, DRAIN, Row, drain_name};
use crate::arguments::Arguments;
use crate::bare::Bare;
use crate::jobs::{self, Beside, Load};
use crate::measure::Kind;

const AT_ONCE: usize = 1_000;

/// The ruler's sessions meet at the server alone, so it stands beside work in two processes too.
pub(super) fn compare(rows: &mut [Row]) {
    for row in rows {
        match row.kind {
            Kind::EndToEnd { elsewhere: true } => row.beside = Some(("bare: end to end".to_owned(), By::Rate)),
            Kind::PickUp { elsewhere: true } => row.beside = Some(("bare: pick-up".to_owned(), By::Wait)),
            _ => {}
        }
    }
}

pub(super) fn drain(arguments: &Arguments) -> Vec<Row> {
    vec![Row::bare("drain", "drain, by leases", Bare::DrainByLeases, 2 * arguments.jobs)]
}

pub(super) fn wear(arguments: &Arguments) -> Vec<Row> {
    let row = |kept| {
        let end = if kept { "" } else { ", rows dropped" };
        let row = Row::new("wear", format!("wear of a drain{end}"), Kind::Wear, 2 * arguments.jobs);
        row.with(|load| load.kind = kind(kept)).beside(format!("bare: drain{end}"))
    };
    vec![row(true), row(false)]
}

pub(super) fn held(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    for kept in [true, false] {
        let (name, bare) = (drain_name(AT_ONCE, kept), if kept { "bare: drain" } else { "bare: drain, rows dropped" });
        let hold = |load: &mut Load| load.held = true;
        let test = Kind::Bare(Bare::Drain { kept });
        let row = Row::new("held", format!("{bare}, a transaction held"), test, 2 * arguments.jobs);
        rows.push(row.with(hold).beside(bare));
        let drain = Kind::Drain { at_once: AT_ONCE };
        let row = Row::new("held", format!("{name}, a transaction held"), drain, 2 * arguments.jobs);
        rows.push(row.with(|load| load.kind = kind(kept)).with(hold).beside(name));
    }
    rows
}

/// Beside a tenth of the most jobs and beside all of them, finished and waiting.
pub(super) fn size(arguments: &Arguments) -> Vec<Row> {
    let (few, many) = ((arguments.rows / 10).max(1), arguments.rows.max(2));
    let row = |beside, what| {
        let row =
            Row::new("size", format!("drain beside {what}"), Kind::Drain { at_once: AT_ONCE }, 2 * arguments.jobs);
        row.with(|load| load.beside = beside).beside(DRAIN)
    };
    let finished = |finished| row(Beside { finished, waiting: 0 }, format!("{finished} finished"));
    let waiting = |waiting| row(Beside { finished: 0, waiting }, format!("{waiting} waiting"));
    vec![finished(few), finished(many), waiting(few), waiting(many)]
}

const fn kind(kept: bool) -> jobs::Kind {
    if kept { jobs::Kind::Kept } else { jobs::Kind::Dropped }
}

use serde_json::{Value, json};

use super::round::{BULK, TASKS};
use crate::cli::out::Row;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    DispatchOne,
    DispatchTasks,
    DispatchBulk,
    Drain,
    EndToEnd,
    PickUpP50,
    PickUpP99,
    PickUpMax,
}

impl Measure {
    pub(super) const ALL: [Self; 8] = [
        Self::DispatchOne,
        Self::DispatchTasks,
        Self::DispatchBulk,
        Self::Drain,
        Self::EndToEnd,
        Self::PickUpP50,
        Self::PickUpP99,
        Self::PickUpMax,
    ];

    const fn key(self) -> &'static str {
        match self {
            Self::DispatchOne => "dispatch_one",
            Self::DispatchTasks => "dispatch_tasks",
            Self::DispatchBulk => "dispatch_bulk",
            Self::Drain => "drain",
            Self::EndToEnd => "end_to_end",
            Self::PickUpP50 => "pick_up_p50",
            Self::PickUpP99 => "pick_up_p99",
            Self::PickUpMax => "pick_up_max",
        }
    }

    fn title(self) -> String {
        match self {
            Self::DispatchOne => "dispatch, one at a time".to_owned(),
            Self::DispatchTasks => format!("dispatch, {TASKS} tasks"),
            Self::DispatchBulk => format!("dispatch, {BULK} at once"),
            Self::Drain => "drain".to_owned(),
            Self::EndToEnd => format!("end to end, {TASKS} tasks"),
            Self::PickUpP50 => "pick-up, p50".to_owned(),
            Self::PickUpP99 => "pick-up, p99".to_owned(),
            Self::PickUpMax => "pick-up, max".to_owned(),
        }
    }

    const fn is_rate(self) -> bool {
        !matches!(self, Self::PickUpP50 | Self::PickUpP99 | Self::PickUpMax)
    }

    const fn unit(self) -> &'static str {
        if self.is_rate() { "jobs/s" } else { "ms" }
    }

    /// How many jobs it takes where the others take `all`: fewer where each waits for a commit of its own.
    pub(super) fn jobs(self, all: usize) -> usize {
        let jobs = match self {
            Self::DispatchOne => all / 10,
            _ if self.is_rate() => all,
            _ => all / 50,
        };
        jobs.max(1)
    }

    fn in_words(self, value: f64) -> String {
        if self.is_rate() { grouped(value) } else { format!("{value:.2}") }
    }
}

/// What each measure came to in each round.
#[derive(Debug)]
pub(super) struct Figures {
    count: usize,
    values: [Vec<f64>; Measure::ALL.len()],
}

impl Figures {
    /// No figures yet, of rounds with so many jobs.
    pub(super) fn new(count: usize) -> Self {
        Self { count, values: Default::default() }
    }

    /// Adds what a measure came to in one round.
    pub(super) fn add(&mut self, measure: Measure, value: f64) {
        self.values[measure as usize].push(value);
    }

    /// The median and the range of each measure.
    pub(super) fn rows(&self) -> Vec<Row<5>> {
        Measure::ALL.iter().map(|measure| self.row(*measure)).collect()
    }

    fn row(&self, measure: Measure) -> Row<5> {
        let values = &self.values[measure as usize];
        let (low, median, high) = spread(values);
        let jobs = measure.jobs(self.count);
        let words = |value| measure.in_words(value);
        let range = format!("{} to {}", words(low), words(high));
        let cells = [measure.title(), jobs.to_string(), words(median), range, measure.unit().to_owned()];
        let json: Value = json!({
            "measure": measure.key(), "jobs": jobs, "unit": measure.unit(),
            "median": median, "low": low, "high": high, "rounds": values,
        });
        Row { json, cells }
    }
}

/// The lowest, the median and the highest.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return (0.0, 0.0, 0.0) };
    (sorted[0], f64::midpoint(sorted[last / 2], sorted[last.div_ceil(2)]), sorted[last])
}

/// A whole number with its thousands set apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0.4, 999.6, 12_345.0, 1_234_567.0].map(grouped), ["0", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn the_median_is_between_the_middle_two() {
        assert_eq!(spread(&[3.0]), (3.0, 3.0, 3.0));
        assert_eq!(spread(&[9.0, 1.0, 2.0]), (1.0, 2.0, 9.0));
        assert_eq!(spread(&[4.0, 1.0, 9.0, 2.0]), (1.0, 3.0, 9.0));
    }

    #[test]
    fn every_measure_stands_in_its_own_place() {
        for (at, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, at);
            assert!(measure.jobs(1) == 1 && measure.jobs(1_000) <= 1_000);
        }
    }
}

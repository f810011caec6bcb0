//! What one round of a measure found, and what several rounds say together.

use serde::{Deserialize, Serialize};

use crate::postgres::Wear;

/// One round of one measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// How many jobs, or chains, were done.
    pub(crate) jobs: u64,
    /// In which time.
    pub(crate) seconds: f64,
    /// Processor time of all processes of the benchmark that took part.
    pub(crate) cpu_seconds: f64,
    /// What they wrote to the disk.
    pub(crate) written_bytes: u64,
    /// What the store's server used up for the same jobs, where it has one that can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Served>,
    /// The most memory that they had, together.
    pub(crate) peak_kib: u64,
    /// The memory that they had at the end, together.
    pub(crate) resident_kib: u64,
    /// From a job's dispatch to its start, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Latency>,
    /// Jobs offered per second, where that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offered: Option<f64>,
    /// What the jobs left behind in the store, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wear: Option<Wear>,
    /// The share of each process, where there were many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) processes: Vec<Process>,
    /// Every error and warning that anyone saw: the first of them, and how many more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
}

/// What a server used up for a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Served {
    /// In which time.
    pub(crate) seconds: f64,
    /// Processor time of its processes, if they can be seen.
    pub(crate) cpu_seconds: Option<f64>,
    /// What they wrote to the disk, if that may be seen.
    pub(crate) written_bytes: Option<u64>,
    /// How many transactions it made, where that was counted.
    pub(crate) transactions: Option<i64>,
}

/// Times from dispatch to start, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half of the jobs waited no longer.
    pub(crate) p50: f64,
    /// All but one in a hundred waited no longer.
    pub(crate) p99: f64,
    /// None waited longer.
    pub(crate) max: f64,
    /// How many were measured.
    pub(crate) samples: usize,
}

/// What one of many processes did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// `dispatching` or `working`.
    pub(crate) role: String,
    /// How many jobs it dispatched, or performed.
    pub(crate) jobs: u64,
    /// So many per second.
    pub(crate) rate: f64,
    /// Its processor time.
    pub(crate) cpu_seconds: f64,
    /// The longest that one of its dispatches took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) longest: Option<f64>,
}

impl Figure {
    /// Jobs per second.
    pub(crate) fn rate(&self) -> f64 {
        self.jobs as f64 / self.seconds
    }

    /// Microseconds of processor time per job, of the server too.
    pub(crate) fn cpu_per_job(&self) -> f64 {
        let served = self.server.and_then(|server| server.cpu_seconds);
        (self.cpu_seconds + served.unwrap_or(0.0)) * 1e6 / self.jobs as f64
    }

    /// Bytes written per job, by the server too; `None` when it has one whose writes can't be seen.
    pub(crate) fn written_per_job(&self) -> Option<f64> {
        let served = self.server.map_or(Some(0), |server| server.written_bytes)?;
        Some((self.written_bytes + served) as f64 / self.jobs as f64)
    }

    /// The share of one core that was busy, in percent, without the server's.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu_seconds * 100.0 / self.seconds
    }

    /// The share of one core that the server was busy with, in percent.
    pub(crate) fn server_busy(&self) -> Option<f64> {
        let server = self.server?;
        Some(server.cpu_seconds? * 100.0 / server.seconds)
    }

    /// How many transactions the server made a second.
    pub(crate) fn transactions(&self) -> Option<f64> {
        let server = self.server?;
        Some(server.transactions? as f64 / server.seconds)
    }

    /// Adds what another process used up for the same jobs.
    pub(crate) fn add_usage_of(&mut self, other: &Self) {
        self.cpu_seconds += other.cpu_seconds;
        self.written_bytes += other.written_bytes;
        self.peak_kib += other.peak_kib;
        self.resident_kib += other.resident_kib;
        self.problems.extend_from_slice(&other.problems);
    }
}

impl Latency {
    /// The latency that these times in nanoseconds show; `None` of no times.
    pub(crate) fn of(mut nanoseconds: Vec<u64>) -> Option<Self> {
        nanoseconds.sort_unstable();
        let at = |share| percentile(&nanoseconds, share).map(|time| time as f64 / 1e3);
        Some(Self { p50: at(0.5)?, p99: at(0.99)?, max: at(1.0)?, samples: nanoseconds.len() })
    }
}

/// The smallest of the sorted values that at least this share of them don't exceed.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// A value over several rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The one in the middle; of an even number, the mean of the two.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) low: f64,
    /// The largest.
    pub(crate) high: f64,
}

impl Spread {
    /// The spread of these values; `None` of no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&sorted, 0.5), Some(50));
        assert_eq!(percentile(&sorted, 0.99), Some(99));
        assert_eq!(percentile(&sorted, 1.0), Some(100));
        assert_eq!(percentile(&sorted, 0.0), Some(1));
        assert_eq!(percentile(&[7], 0.99), Some(7));
        assert_eq!(percentile::<u64>(&[], 0.5), None);
    }

    #[test]
    fn a_latency_is_in_microseconds() {
        let latency = Latency::of(vec![3_000, 1_000, 2_000]).unwrap();
        assert_eq!(latency, Latency { p50: 2.0, p99: 3.0, max: 3.0, samples: 3 });
        assert_eq!(Latency::of(vec![]), None);
    }

    #[test]
    fn a_spread_has_the_middle_value_and_both_ends() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0]), Some(Spread { median: 2.5, low: 1.0, high: 4.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn usage_is_told_per_job() {
        let mut figure =
            Figure { jobs: 100, seconds: 2.0, cpu_seconds: 0.001, written_bytes: 5_000, ..Figure::default() };
        assert_eq!((figure.rate(), figure.cpu_per_job(), figure.written_per_job()), (50.0, 10.0, Some(50.0)));
        figure.add_usage_of(&Figure { jobs: 100, seconds: 9.0, cpu_seconds: 0.001, ..Figure::default() });
        assert_eq!((figure.rate(), figure.cpu_per_job()), (50.0, 20.0));
    }

    #[test]
    fn what_a_server_uses_up_is_counted_too() {
        let served =
            Served { seconds: 2.0, cpu_seconds: Some(0.003), written_bytes: Some(2_500), transactions: Some(10) };
        let mut figure = Figure { jobs: 100, seconds: 2.0, cpu_seconds: 0.001, ..Figure::default() };
        figure.server = Some(served);
        assert_eq!((figure.cpu_per_job(), figure.written_per_job()), (40.0, Some(25.0)));
        assert_eq!((figure.server_busy(), figure.transactions()), (Some(0.15), Some(5.0)));
        figure.server = Some(Served { written_bytes: None, ..served });
        assert_eq!(figure.written_per_job(), None);
    }
}

//! What a process uses up: processor time, bytes written, memory.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

use crate::figure::{Figure, Served};
use crate::postgres::{Processes, Used};

/// Begins to measure; [`Meter::stop`] makes a figure of it.
#[derive(Debug)]
pub(crate) struct Meter {
    begun: Instant,
    cpu: Duration,
    written: u64,
    server: Option<(Processes, Used)>,
}

impl Meter {
    /// Measures this process from here on.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(None)
    }

    /// Measures this process and those of a server.
    pub(crate) fn start_with(server: Option<Processes>) -> Result<Self> {
        let server = server.map(|server| anyhow::Ok((server, server.used()?))).transpose()?;
        Ok(Self { server, written: written()?, cpu: cpu(), begun: Instant::now() })
    }

    /// The figure of so many jobs, done since the start.
    pub(crate) fn stop(self, jobs: u64) -> Result<Figure> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let cpu = cpu() - self.cpu;
        let written_bytes = written()?.saturating_sub(self.written);
        let server = self.server.map(|(server, before)| anyhow::Ok(server.used()?.since(before))).transpose()?;
        Ok(Figure {
            jobs,
            seconds,
            cpu_seconds: cpu.as_secs_f64(),
            written_bytes,
            server: server.map(|used| served(used, seconds)),
            peak_kib: memory("VmHWM")?,
            resident_kib: memory("VmRSS")?,
            ..Figure::default()
        })
    }
}

fn served(used: Used, seconds: f64) -> Served {
    Served { seconds, cpu_seconds: Some(used.cpu.as_secs_f64()), written_bytes: used.written, transactions: None }
}

/// The processor time of all threads that this process has and had.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The bytes that this process has made the system write to disks.
fn written() -> Result<u64> {
    field("/proc/self/io", "write_bytes")
}

/// A field of the process's status, in KiB.
fn memory(name: &str) -> Result<u64> {
    field("/proc/self/status", name)
}

/// A number out of a file of lines `name: number`.
fn field(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| format!("can't read {file}: expected a Linux system"))?;
    number(&text, name).with_context(|| format!("expected a line `{name}: NUMBER` in {file}"))
}

/// A number out of lines `name: number`.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let io = "rchar: 1\nread_bytes: 2\nwrite_bytes: 3\ncancelled_write_bytes: 4\n";
        assert_eq!(number(io, "write_bytes"), Some(3));
        assert_eq!(number("VmHWM:\t    5140 kB\n", "VmHWM"), Some(5140));
        assert_eq!(number(io, "bytes"), None);
    }

    #[test]
    fn work_takes_processor_time_and_memory() {
        let meter = Meter::start().unwrap();
        let begun = cpu();
        while cpu() == begun {
            std::hint::spin_loop();
        }
        let figure = meter.stop(1).unwrap();
        assert!(figure.cpu_seconds > 0.0 && figure.peak_kib > 0 && figure.resident_kib > 0, "{figure:?}");
    }
}

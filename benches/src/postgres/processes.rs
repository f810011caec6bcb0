//! What the processes of a server use up, when it runs on this machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::Client;

use crate::usage::number;

/// The first process of a server, whose children all others are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Processes {
    first: u32,
}

/// What they have used up since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Bytes that they have made the system write to disks, if that may be seen.
    pub(crate) written: Option<u64>,
}

impl Processes {
    /// Those of the server of this session; `None` when it runs on another machine, or can't be seen from here.
    pub(crate) async fn of(client: &Client) -> Result<Option<Self>> {
        let row = client.query_one("SELECT pg_backend_pid(), current_database()::text", &[]).await?;
        let (session, database): (i32, String) = (row.get(0), row.get(1));
        // A process shows the name of its database; one of that number elsewhere does not show this one's.
        let title = fs::read_to_string(format!("/proc/{session}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{session}/stat")).unwrap_or_default();
        let parent = Stat::of(&stat).map(|stat| stat.parent);
        Ok(parent.filter(|_| title.starts_with("postgres") && title.contains(&database)).map(|first| Self { first }))
    }

    /// What they have used up so far, those that have ended too.
    pub(crate) fn used(self) -> Result<Used> {
        let mut sum = Used { written: Some(0), ..Used::default() };
        let all = fs::read_dir("/proc").context("can't read /proc: expected a Linux system")?;
        let numbers = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        for process in numbers {
            // It may have ended meanwhile.
            let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
            let Some(stat) = Stat::of(&stat) else { continue };
            if process == self.first || stat.parent == self.first {
                sum.cpu += stat.cpu;
                let written = fs::read_to_string(format!("/proc/{process}/io")).ok();
                let written = written.and_then(|io| number(&io, "write_bytes"));
                sum.written = sum.written.zip(written).map(|(sum, one)| sum + one);
            }
        }
        Ok(sum)
    }
}

impl Used {
    /// What was used up since.
    pub(crate) fn since(self, before: Self) -> Self {
        let written = self.written.zip(before.written).map(|(now, before)| now.saturating_sub(before));
        Self { cpu: self.cpu.saturating_sub(before.cpu), written }
    }
}

struct Stat {
    parent: u32,
    /// Also of the children that have ended.
    cpu: Duration,
}

impl Stat {
    /// Out of `/proc/N/stat`, where the fields come after a name that may hold anything.
    fn of(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: Option<Vec<u64>> = fields.get(11..15)?.iter().map(|field| field.parse().ok()).collect();
        let ticks: u64 = ticks?.iter().sum();
        let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        Some(Self { parent: fields.get(1)?.parse().ok()?, cpu: Duration::from_secs_f64(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_a_process_and_its_ended_children() {
        let text = "17 (postgres: (x) y) S 5 17 17 0 -1 4194304 1 2 3 4 100 50 25 25 20 0 1 0 99";
        let stat = Stat::of(text).unwrap();
        assert_eq!(stat.parent, 5);
        assert_eq!(stat.cpu.as_secs_f64(), 200.0 / rustix::param::clock_ticks_per_second() as f64);
        assert!(Stat::of("17 (postgres) S 5").is_none());
    }
}

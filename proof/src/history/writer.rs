use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use jobwork::Clock;

use super::{Event, Line};

/// Adds lines to a history, which is a file that several processes share, or in memory. Clones write to the same one.
#[derive(Clone, Debug)]
pub struct History {
    sink: Arc<Sink>,
    clock: Clock,
    by: u32,
}

#[derive(Debug)]
enum Sink {
    File(File),
    Memory(Mutex<Vec<Line>>),
}

impl History {
    /// A history in a file, which is made if need be; this process writes as its own number.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn of_file(file: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.with_context(|| format!("can't write to {}", file.display()))?;
        Ok(Self { sink: Arc::new(Sink::File(opened)), clock: Clock::system(), by: std::process::id() })
    }

    /// A history in memory, of which the lines bear the time of this clock.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self { sink: Arc::new(Sink::Memory(Mutex::default())), clock, by: 0 }
    }

    /// The same history, written to by another actor.
    #[must_use]
    pub fn by(&self, by: u32) -> Self {
        Self { by, ..self.clone() }
    }

    /// Adds a line.
    ///
    /// # Panics
    /// When the file can't be written: a history with gaps would prove nothing.
    pub fn add(&self, event: Event) {
        let line = Line { at: self.clock.now().as_millisecond(), by: self.by, event };
        match &*self.sink {
            Sink::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
            Sink::File(file) => {
                // One write at the end of the file: lines of other processes come before it or after it. One that a kill has cut short
                // takes none of them with it.
                let text = serde_json::to_string(&line).expect("an event is JSON");
                let text = format!("\n{text}\n");
                let mut file = file;
                file.write_all(text.as_bytes()).expect("the history can be written");
            }
        }
    }

    /// The lines so far of a history in memory; none of one in a file, which [`read`](super::read) reads.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        match &*self.sink {
            Sink::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Sink::File(_) => Vec::new(),
        }
    }
}

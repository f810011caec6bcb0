use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::run::play;
use super::seeds::play_each;
use crate::history::Line;

/// What `proof simulate` takes.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Plays the run of this seed, and tells what is wrong with it
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Writes the history of that run to this file
    #[arg(long, requires = "seed")]
    history: Option<PathBuf>,
    /// Plays so many runs
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The seed of the first one; drawn by chance where it is not said
    #[arg(long, conflicts_with = "seed")]
    from: Option<u64>,
}

impl Simulate {
    /// Does it; says whether all is well.
    ///
    /// # Errors
    /// When the history can't be written.
    pub fn run(&self) -> anyhow::Result<bool> {
        self.seed.map_or_else(|| Ok(self.play_many()), |seed| self.play_one(seed))
    }

    fn play_one(&self, seed: u64) -> anyhow::Result<bool> {
        let played = play(seed, &|store| store);
        if let Some(file) = &self.history {
            write(file, &played.lines)?;
        }
        let violations = played.violations();
        for violation in &violations {
            println!("{}: {}", violation.rule, violation.what);
        }
        println!("seed {seed}: {} lines, {} violations", played.lines.len(), violations.len());
        Ok(violations.is_empty())
    }

    fn play_many(&self) -> bool {
        // Small ones are easier to read and to pass on.
        let from = self.from.unwrap_or_else(|| fastrand::u64(..1 << 40));
        let tally = play_each(from..from.saturating_add(self.seeds));
        for wrong in &tally.wrong {
            println!("{wrong}");
        }
        let (runs, lines, wrong) = (tally.runs, tally.lines, tally.wrong.len());
        println!("{runs} seeds from {from}: {lines} lines, {wrong} seeds with violations");
        tally.wrong.is_empty()
    }
}

/// Writes a history as it is read by `proof check`.
fn write(file: &Path, lines: &[Line]) -> anyhow::Result<()> {
    let texts: Result<Vec<_>, _> = lines.iter().map(serde_json::to_string).collect();
    std::fs::write(file, texts?.join("\n")).with_context(|| format!("can't write {}", file.display()))
}

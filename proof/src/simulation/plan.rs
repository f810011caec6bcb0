use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// What a job does, run by run, as it was dispatched to; when nothing is left of it, it simply succeeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Plan(Vec<Act>);

/// What a job does in one run. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// It succeeds at once.
    Succeed,
    /// It works so long, and never looks at its signal.
    Work(u64),
    /// It works so long, and stops when it is told to.
    Obey(u64),
    /// It works so long; when it is told to stop it tidies up for as long as the second number says, and says that it is done.
    Tidy(u64, u64),
    /// It works so long, and fails then.
    Fail(u64),
    /// It works so long, and panics then.
    Panic(u64),
    /// It asks to be run again after so long.
    Snooze(u64),
    /// It says that what it calls has a limit which is used up for so long.
    RateLimited(u64),
    /// It ends itself.
    Discard,
    /// It fails for good.
    Die,
    /// It dispatches another job, and works so long.
    Dispatch(u64),
    /// It says how far it is, keeps its place, and works so long.
    Note(u64),
}

impl Plan {
    /// What it does in this run, counted from 0.
    pub(super) fn act(&self, run: usize) -> Act {
        self.0.get(run).copied().unwrap_or(Act::Succeed)
    }

    /// A plan for a job that may do anything.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let acts = rng.usize(..4);
        Self((0..acts).map(|_| Act::draw(rng)).collect())
    }

    /// A plan for a job that has others depend on it: it does not end itself.
    pub(super) fn draw_lasting(rng: &mut Rng) -> Self {
        let Self(acts) = Self::draw(rng);
        Self(acts.into_iter().filter(|act| !matches!(act, Act::Discard | Act::Die)).collect())
    }
}

impl Act {
    fn draw(rng: &mut Rng) -> Self {
        let time = Self::time(rng);
        match rng.u8(..25) {
            0..=1 => Self::Succeed,
            2..=5 => Self::Work(time),
            // Now and then for longer than the checker is patient with whoever should tell it to stop.
            6..=8 => Self::Obey(if rng.u8(..12) == 0 { rng.u64(70_000..120_000) } else { time }),
            9..=10 => Self::Tidy(time, Self::time(rng)),
            11..=14 => Self::Fail(time),
            15..=16 => Self::Panic(time),
            17 => Self::Snooze(time),
            18 => Self::RateLimited(time),
            19 => Self::Discard,
            20 => Self::Die,
            21..=23 => Self::Note(time),
            _ => Self::Dispatch(time),
        }
    }

    /// No time at all, a moment, or seconds.
    fn time(rng: &mut Rng) -> u64 {
        match rng.u8(..4) {
            0 => 0,
            1 => rng.u64(1..20),
            2 => rng.u64(20..1_000),
            _ => rng.u64(1_000..20_000),
        }
    }
}

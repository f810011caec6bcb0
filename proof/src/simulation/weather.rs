use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;

/// How badly the store can be reached, by everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Weather {
    /// Calls take a moment at most, and none fails.
    #[default]
    Calm,
    /// Now and then a call is slow, or fails.
    Rough,
    /// Many calls are slow or fail, and some take longer than a lease.
    Storm,
    /// Every call fails.
    Outage,
}

/// What is in store for one call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    /// How long it takes until it takes effect.
    pub(super) before: Delay,
    /// How long its answer takes.
    pub(super) after: Delay,
    /// Where it fails.
    pub(super) fails: Option<Fails>,
}

/// Where a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fails {
    /// It has no effect.
    Before,
    /// It has taken effect, and its answer is lost.
    After,
}

/// How long something takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delay {
    /// So many turns of the other tasks.
    Turns(u8),
    /// This long.
    Time(Duration),
}

impl Default for Delay {
    fn default() -> Self {
        Self::Turns(0)
    }
}

impl Delay {
    pub(super) async fn pass(self) {
        match self {
            Self::Turns(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            Self::Time(time) => tokio::time::sleep(time).await,
        }
    }
}

/// Of a hundred calls, how many fare how.
struct Odds {
    fail: u8,
    lose: u8,
    slow: u8,
    /// How long a slow one takes at most, in milliseconds.
    slowest: u64,
}

impl Weather {
    const ALL: [Self; 4] = [Self::Calm, Self::Rough, Self::Storm, Self::Outage];

    /// The weather that comes next.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self::ALL[rng.usize(..Self::ALL.len())]
    }

    const fn odds(self) -> Odds {
        match self {
            Self::Calm => Odds { fail: 0, lose: 0, slow: 10, slowest: 5 },
            Self::Rough => Odds { fail: 4, lose: 4, slow: 20, slowest: 300 },
            Self::Storm => Odds { fail: 15, lose: 15, slow: 40, slowest: 2_000 },
            Self::Outage => Odds { fail: 100, lose: 0, slow: 50, slowest: 1_000 },
        }
    }

    /// What is in store for a call; `lease` is what workers hold their jobs by.
    pub(super) fn fate(self, rng: &mut Rng, lease: Duration) -> Fate {
        let odds = self.odds();
        let fails = match rng.u8(..100) {
            drawn if drawn < odds.fail => Some(Fails::Before),
            drawn if drawn < odds.fail + odds.lose => Some(Fails::After),
            _ => None,
        };
        Fate { before: self.delay(rng, lease), after: self.delay(rng, lease), fails }
    }

    fn delay(self, rng: &mut Rng, lease: Duration) -> Delay {
        let odds = self.odds();
        if rng.u8(..100) >= odds.slow {
            return Delay::Turns(rng.u8(..4));
        }
        if self == Self::Storm && rng.u8(..100) < 5 {
            return Delay::Time(lease.mul_f64(0.5 + 2.0 * rng.f64()));
        }
        Delay::Time(Duration::from_millis(rng.u64(1..=odds.slowest)))
    }

    /// Of a hundred hints, how many are lost.
    const fn hints_lost(self) -> u8 {
        match self {
            Self::Calm => 0,
            Self::Rough => 20,
            Self::Storm => 60,
            Self::Outage => 100,
        }
    }

    /// Whether a hint gets through.
    pub(super) fn hint(self, rng: &mut Rng) -> bool {
        rng.u8(..100) >= self.hints_lost()
    }
}

/// The weather that it is, which the director changes and everybody has.
#[derive(Debug, Default)]
pub(super) struct Sky(Mutex<Weather>);

impl Sky {
    pub(super) fn get(&self) -> Weather {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, weather: Weather) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }
}

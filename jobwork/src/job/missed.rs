use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What becomes of a schedule's ticks that came while no worker was there to run them.
///
/// A tick is missed when no worker got to it within a minute: a restart, a slow store and a worker that took over late
/// miss nothing. What came while the schedule was paused is never made up for.
///
/// As text, for the command line and in a store, it is `skip`, `once`, or `fill` and a duration, as in `fill 48h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Missed {
    /// They are left out. The default: what is to run at three in the night is rarely wanted at noon.
    #[default]
    Skip,
    /// One run makes up for all of them; its tick is the last of them.
    Once,
    /// Each is run, the oldest first, as far back as this. A horizon of less than a minute is one minute.
    Fill(Duration),
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::Once => f.write_str("once"),
            Self::Fill(horizon) => {
                write!(f, "fill {:#}", SignedDuration::try_from(*horizon).unwrap_or(SignedDuration::MAX))
            }
        }
    }
}

impl FromStr for Missed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected `skip`, `once`, or `fill` and a duration such as `fill 48h`; got `{text}`");
        match text {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            fill => {
                let horizon = fill.strip_prefix("fill ").ok_or_else(wrong)?;
                let horizon: SignedDuration = horizon.parse().map_err(|_| wrong())?;
                Duration::try_from(horizon).map(Self::Fill).map_err(|_| wrong())
            }
        }
    }
}

impl From<Missed> for String {
    fn from(missed: Missed) -> Self {
        missed.to_string()
    }
}

impl TryFrom<String> for Missed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_text_and_back() {
        for missed in [Missed::Skip, Missed::Once, Missed::Fill(Duration::from_secs(49 * 3600 + 5))] {
            assert_eq!(missed.to_string().parse(), Ok(missed));
        }
        assert_eq!("fill 2h 30m".parse(), Ok(Missed::Fill(Duration::from_secs(9000))));
        for wrong in ["", "all", "fill", "fill -1h", "fill soon"] {
            assert!(wrong.parse::<Missed>().unwrap_err().contains("such as `fill 48h`"));
        }
    }
}

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A duration as people write it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as `30s`, `10m` or `1h 30m`";
    let parsed: SignedDuration = text.parse().map_err(|_| expected.to_owned())?;
    Duration::try_from(parsed).map_err(|_| format!("{expected}, not a negative one"))
}

/// An age as people write it; a day has 24 hours here.
pub(super) fn age(text: &str) -> Result<SignedDuration, String> {
    let expected = "expected an age such as `90s`, `12h` or `7d`";
    let span: jiff::Span = text.parse().map_err(|_| expected.to_owned())?;
    let age = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| expected.to_owned())?;
    if age.is_negative() { Err(format!("{expected}, not a negative one")) } else { Ok(age) }
}

/// A time of day with its date.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as `2030-01-31T18:00:00Z` or `2030-01-31T18:00:00+01:00`".to_owned())
}

/// The time in seconds, and how far that is from now.
pub(super) fn at(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", time.round(jiff::Unit::Second).unwrap_or(time), distance(time, now))
}

/// How far a time is from now, in one unit: `5m ago`, `in 2h`.
pub(super) fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.duration_since(now).as_secs();
    let size = match seconds.unsigned_abs() {
        0 => return "now".to_owned(),
        size @ ..=59 => format!("{size}s"),
        size @ ..=3599 => format!("{}m", size / 60),
        size @ ..=86_399 => format!("{}h", size / 3600),
        size => format!("{}d", size / 86_400),
    };
    if seconds > 0 { format!("in {size}") } else { format!("{size} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("-5s").unwrap_err().contains("negative"));
        for bad in ["", "soon", "10", "10 parsecs"] {
            assert!(duration(bad).unwrap_err().contains("`10m`"), "{bad}");
        }
    }

    #[test]
    fn ages() {
        assert_eq!(age("1h 30m"), Ok(SignedDuration::from_secs(5400)));
        assert_eq!(age("7d"), Ok(SignedDuration::from_hours(7 * 24)));
        for bad in ["", "soon", "10", "-5s", "2 months"] {
            assert!(age(bad).unwrap_err().contains("`7d`"), "{bad}");
        }
    }

    #[test]
    fn distances() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let from_now = |seconds| distance(now + SignedDuration::from_secs(seconds), now);
        let distances = [0, 59, -60, 7200, -86_400, -864_000].map(from_now);
        assert_eq!(distances, ["now", "in 59s", "1m ago", "in 2h", "1d ago", "10d ago"]);
    }
}

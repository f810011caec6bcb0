//! When a recurring job is due: a cron expression in a time zone, as a function from a time to the next one.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::every;

/// A cron expression in a time zone.
///
/// It has five fields (minute, hour, day of month, month, day of week), or six with seconds in front:
///
/// | field | values | besides `*` `,` `-` `*/n` |
/// |---|---|---|
/// | second | 0–59 | left out: 0 |
/// | minute | 0–59 | |
/// | hour | 0–23 | |
/// | day of month | 1–31 | `L` the last, `15W` the weekday nearest to the 15th, `?` as `*` |
/// | month | 1–12, `JAN`–`DEC` | |
/// | day of week | 0–7 (0 and 7 are Sunday), `SUN`–`SAT` | `FRI#2` the second Friday, `FRI#L` the last, `?` as `*` |
///
/// Where both the day of month and the day of week are given, either suffices, as in every cron; a `+` before the day of week
/// (`0 0 13 * +FRI`) asks for both. Or it is one of `@hourly`, `@daily` (also `@midnight`), `@weekly`, `@monthly` and
/// `@yearly` (also `@annually`), or `@every` with a duration such as `15m` or `1h 30m`, in seconds to weeks. The ticks of `@every` are the
/// multiples of its duration since 1970 in UTC, whatever the zone and whenever the schedule was made; so `@every 15m` ticks on
/// the quarters of an hour, everywhere.
///
/// # When the clocks change
/// What counts is whether the hour field begins with `*`.
///
/// - It doesn't (`30 2 * * *`, `0 9-17 * * *`, `@daily`): every time of day that is named comes once a day. One that is left
///   out when the clocks go forward comes at the first moment after the gap, and several of them come then together,
///   as one tick. One that comes twice when the clocks go back counts the first time.
/// - It does (`0 * * * *`, `*/10 */2 * * *`, `@hourly`): the schedule goes by what the clock shows. Times that are left out are
///   left out, times that come twice count twice, so an hourly job stays hourly.
///
/// ```
/// use jobwork::Schedule;
///
/// let nightly = Schedule::parse("30 2 * * *", "Europe/Vienna")?;
/// let next = nightly.next("2027-03-27T12:00:00Z".parse().unwrap()).unwrap();
/// assert_eq!(next.to_string(), "2027-03-28T01:00:00Z", "02:30 doesn't exist on that day; the gap ends at 03:00");
///
/// let wrong = Schedule::parse("0 3 30 2 *", "UTC").unwrap_err();
/// assert_eq!(wrong.to_string(), "the cron expression `0 3 30 2 *` never comes: no date fits it");
/// # Ok::<(), jobwork::ScheduleError>(())
/// ```
#[derive(Clone)]
pub struct Schedule {
    expression: String,
    zone: TimeZone,
    zone_name: String,
    rule: Rule,
}

/// What an expression means.
#[derive(Clone)]
enum Rule {
    /// The multiples of so many seconds since 1970.
    Every(i64),
    /// Wherever the clock on the wall fits the fields.
    Shown(Box<Cron>),
    /// Each time of day that the fields name, once.
    Named(Box<Cron>),
}

/// Why a text is no [`Schedule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

impl Schedule {
    /// The schedule of this expression in the time zone of this IANA name, such as `Europe/Vienna` or `UTC`.
    ///
    /// # Errors
    /// What is wrong with the expression or the zone, and what was expected. An expression that fits no date is one of them.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        let rule = Rule::parse(expression.trim())?;
        let unknown = |_| format!("there is no time zone `{zone}`: expected an IANA name, such as `Europe/Vienna`");
        let known = TimeZone::get(zone).map_err(|error| ScheduleError(unknown(error)))?;
        Ok(Self { expression: expression.trim().to_owned(), zone: known, zone_name: zone.to_owned(), rule })
    }

    /// The expression, as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The first tick after this time; `None` when there is none before the calendar ends.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(seconds) => {
                let ticks = after.as_second().div_euclid(*seconds) + 1;
                Timestamp::from_second(ticks.checked_mul(*seconds)?).ok()
            }
            Rule::Shown(cron) => self.next_shown(cron, after),
            Rule::Named(cron) => self.next_named(cron, after),
        }
    }

    /// The last tick after `after` and not after `until`.
    #[must_use]
    pub fn last_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let next = |time: i64| self.next(Timestamp::from_second(time).ok()?).filter(|tick| *tick <= until);
        let mut last = self.next(after).filter(|tick| *tick <= until)?;
        // Between a time before the last tick and one that isn't; ticks are whole seconds, so every step halves what is left.
        let (mut early, mut late) = (last.as_second(), until.as_second());
        while early < late {
            let middle = early + (late - early) / 2;
            match next(middle) {
                Some(tick) => (last, early) = (tick, tick.as_second()),
                None => late = middle,
            }
        }
        Some(last)
    }

    /// Goes from one change of the clocks to the next; between two of them the clock only moves forward.
    fn next_shown(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.zone.to_offset(from);
            let shown = cron.find_next_occurrence(&offset.to_datetime(from), inclusive).ok()?;
            let tick = offset.to_timestamp(shown).ok()?;
            match self.zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= tick => (from, inclusive) = (change, true),
                _ => return Some(tick),
            }
        }
    }

    /// Goes from one time of day that is named to the next, until one of them is later.
    fn next_named(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut named = self.zone.to_datetime(after);
        loop {
            named = cron.find_next_occurrence(&named, false).ok()?;
            let tick = self.moment_of(named)?;
            if tick > after {
                return Some(tick);
            }
        }
    }

    /// When a time of day comes: the first of two times, or the end of the gap that it is in.
    fn moment_of(&self, named: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(named);
        let AmbiguousOffset::Gap { before, .. } = ambiguous.offset() else { return ambiguous.earlier().ok() };
        // Read with the offset of before, the time lies after the change; it may be the change itself.
        let beyond = before.to_timestamp(named).ok()?;
        let second = SignedDuration::from_secs(1);
        self.zone.preceding(beyond.checked_add(second).ok()?).next().map(|change| change.timestamp())
    }
}

impl Rule {
    fn parse(expression: &str) -> Result<Self, ScheduleError> {
        if let Some(length) = expression.strip_prefix("@every ") {
            let what = "expected a duration of whole seconds, such as `@every 15m` or `@every 1h 30m`";
            let wrong = || ScheduleError(format!("`@every {}`: {what}", length.trim()));
            return every::seconds(length).map(Self::Every).ok_or_else(wrong);
        }
        let fields = match expression {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            fields => fields,
        };
        let count = fields.split_whitespace().count();
        if fields.contains('@') || !(5..=6).contains(&count) {
            return Err(ScheduleError(format!("`{expression}` is no cron expression: {EXPECTED}")));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let wrong =
            |_| ScheduleError(format!("`{expression}` is no cron expression: {}", wrong_field(&parser, fields)));
        let cron = parser.parse(fields).map_err(wrong)?;
        if cron.find_next_occurrence(&jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0), true).is_err() {
            return Err(ScheduleError(format!("the cron expression `{expression}` never comes: no date fits it")));
        }
        let hour = fields.split_whitespace().nth(count - 4).unwrap_or_default();
        Ok(if hour.starts_with('*') { Self::Shown(Box::new(cron)) } else { Self::Named(Box::new(cron)) })
    }
}

const EXPECTED: &str = "expected five fields (minute, hour, day of month, month, day of week), six with seconds in front, \
    `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `@every 15m`";

/// The names of the fields and what they may be.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0-59"),
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31, `L`, or a day with `W`"),
    ("month", "1-12 or JAN-DEC"),
    ("day of week", "0-7 or SUN-SAT, also with `#1` to `#5` or `#L`"),
];

/// The field that is wrong, found by parsing each with nothing but `*` beside it.
fn wrong_field(parser: &CronParser, fields: &str) -> String {
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let named = FIELDS.iter().skip(6 - fields.len());
    let alone =
        |at: usize| (0..fields.len()).map(|other| if other == at { fields[at] } else { "*" }).collect::<Vec<_>>();
    let wrong = named.zip(&fields).enumerate().find(|(at, _)| parser.parse(&alone(*at).join(" ")).is_err());
    let explain = |(_, (&(name, range), field)): (usize, (&(&str, &str), &&str))| {
        format!("the {name} `{field}`, expected {range}, a list `a,b`, a range `a-b`, or either with a step `/n`")
    };
    wrong.map_or_else(|| EXPECTED.to_owned(), explain)
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({} in {})", self.expression, self.zone_name)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.expression, &self.zone_name) == (&other.expression, &other.zone_name)
    }
}

impl Eq for Schedule {}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

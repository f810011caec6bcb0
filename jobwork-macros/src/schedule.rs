//! Cron expressions and time zones that are literal, checked where they stand.

use syn::LitStr;

/// Whether a job's schedule is one, as far as that can be known before the program runs: an expression wholly, a time zone by its
/// form. Whether there is such a zone is known when the worker starts, because zones come and go with the system.
///
/// # Errors
/// What is wrong, under the literal that is wrong; both, if both are.
pub(crate) fn check(expression: &LitStr, zone: Option<&LitStr>) -> syn::Result<()> {
    let wrong = [(expression, wrong_expression(&expression.value())), zone.map_or((expression, None), wrong_zone)];
    let errors = wrong.into_iter().filter_map(|(literal, why)| Some(crate::diag::error(literal, why?)));
    errors
        .reduce(|mut all, error| {
            all.combine(error);
            all
        })
        .map_or(Ok(()), Err)
}

fn wrong_zone(zone: &LitStr) -> (&LitStr, Option<String>) {
    let name = zone.value();
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let parts =
        || name.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(letters));
    let offset = ["UTC+", "UTC-", "GMT+", "GMT-"].iter().any(|start| name.starts_with(start));
    let fits = parts() && !offset;
    (zone, (!fits).then(|| format!("expected the IANA name of a time zone, such as `Europe/Vienna`; got `{name}`")))
}

#[cfg(not(feature = "cron"))]
fn wrong_expression(_: &str) -> Option<String> {
    Some("a job's schedule needs jobwork's feature `cron`".to_owned())
}

#[cfg(feature = "cron")]
use self::expression::wrong_expression;

#[cfg(feature = "cron")]
mod expression {
    use std::cmp::Ordering;

    use croner::errors::CronError;
    use croner::parser::{CronParser, Seconds, Year};
    use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};

    use crate::every;

    const NAMES: [&str; 7] = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

    /// As `Schedule::parse` of the crate `jobwork` has it, which says what an expression is.
    pub(super) fn wrong_expression(expression: &str) -> Option<String> {
        let text = expression.trim();
        if let Some(length) = text.strip_prefix("@every ") {
            return wrong_length(length.trim());
        }
        if NAMES.contains(&text) {
            return None;
        }
        let count = text.split_whitespace().count();
        if text.contains('@') || !(5..=6).contains(&count) {
            return Some(format!("`{text}` is no cron expression: {EXPECTED}"));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        match parser.parse(text) {
            Err(_) => Some(format!("`{text}` is no cron expression: {}", wrong_field(&parser, text))),
            Ok(cron) if cron.find_next_occurrence(&Calendar::begin(), true).is_err() => {
                Some(format!("the cron expression `{text}` never comes: no date fits it"))
            }
            Ok(_) => None,
        }
    }

    const EXPECTED: &str = "expected five fields (minute, hour, day of month, month, day of week), six with seconds in front, \
        `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `@every 15m`";

    fn wrong_length(length: &str) -> Option<String> {
        let what = "expected a duration of whole seconds, such as `@every 15m` or `@every 1h 30m`";
        every::seconds(length).is_none().then(|| format!("`@every {length}`: {what}"))
    }

    const FIELDS: [(&str, &str); 6] = [
        ("second", "0-59"),
        ("minute", "0-59"),
        ("hour", "0-23"),
        ("day of month", "1-31, `L`, or a day with `W`"),
        ("month", "1-12 or JAN-DEC"),
        ("day of week", "0-7 or SUN-SAT, also with `#1` to `#5` or `#L`"),
    ];

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

    /// A calendar without time zones, so that this crate needs none to ask whether an expression fits any date.
    #[derive(Clone)]
    struct Calendar(CivilDateTime, Weekday);

    impl Calendar {
        fn begin() -> Self {
            let day = CivilDate::from_ymd_opt(2000, 1, 1).expect("it is a date");
            Self(CivilDateTime::new(day, CivilTime::MIDNIGHT), Weekday::Saturday)
        }
    }

    impl CronDateTime for Calendar {
        fn to_civil(&self) -> CivilDateTime {
            self.0
        }

        fn civil_weekday(&self) -> Weekday {
            self.1
        }

        /// The day of the week is asked for only where a search begins.
        fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
            Ok(Resolution::Single(Self(civil, self.1)))
        }

        /// Asked for only where a time comes twice, which none does here.
        fn checked_add_seconds(&self, _: i64) -> Option<Self> {
            None
        }

        fn cmp_instant(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::wrong_expression;

        #[test]
        fn what_a_schedule_takes_is_taken() {
            for good in [
                "0 3 * * *",
                "*/20 * * * * *",
                " @daily ",
                "@every 15m",
                "@every 1h 30m",
                "@every 1d",
                "0 9 * * FRI#L",
                "0 0 29 2 *",
            ] {
                assert_eq!(wrong_expression(good), None, "{good}");
            }
        }

        #[test]
        fn what_it_refuses_is_refused_in_the_same_words() {
            for (wrong, why) in [
                ("0 3 30 2 *", "the cron expression `0 3 30 2 *` never comes: no date fits it"),
                ("60 * * * *", "`60 * * * *` is no cron expression: the minute `60`, expected 0-59, a list"),
                ("* * *", "`* * *` is no cron expression: expected five fields"),
                ("@nightly", "`@nightly` is no cron expression: expected five fields"),
                ("* * * * * * *", "`* * * * * * *` is no cron expression: expected five fields"),
                ("@every 1month", "`@every 1month`: expected a duration of whole seconds"),
                ("@every 500ms", "`@every 500ms`: expected a duration of whole seconds"),
            ] {
                let message = wrong_expression(wrong).unwrap_or_default();
                assert!(message.starts_with(why), "{wrong}: {message}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::check;

    #[test]
    fn a_zone_is_checked_by_its_form() {
        let of = |zone| check(&parse_quote!("0 3 * * *"), Some(&zone));
        for good in [
            parse_quote!("Europe/Vienna"),
            parse_quote!("UTC"),
            parse_quote!("Etc/GMT+5"),
            parse_quote!("America/Port-au-Prince"),
        ] {
            assert!(of(good).is_ok());
        }
        for bad in [
            parse_quote!("+02:00"),
            parse_quote!("UTC+2"),
            parse_quote!(""),
            parse_quote!("Europe/"),
            parse_quote!("in Vienna"),
        ] {
            assert!(of(bad).unwrap_err().to_string().starts_with("expected the IANA name of a time zone"));
        }
    }

    #[test]
    #[cfg(feature = "cron")]
    fn both_mistakes_are_reported() {
        let errors = check(&parse_quote!("nightly"), Some(&parse_quote!("+02:00"))).unwrap_err();
        assert_eq!(errors.into_iter().count(), 2);
    }
}

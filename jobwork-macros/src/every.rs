//! The length of `@every`. The crates `jobwork` and `jobwork-macros` have this file alike, because what the compiler lets
//! pass a worker must not refuse.

/// So many seconds as this duration has, such as `15m` or `1h 30m`: whole numbers, each with a unit up to weeks; `None` for
/// anything else, and for none at all.
pub(crate) fn seconds(length: &str) -> Option<i64> {
    let (mut sum, mut rest) = (0_i64, length.trim());
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, following) = behind.split_at(end);
        sum = number.parse::<i64>().ok()?.checked_mul(unit_seconds(unit)?)?.checked_add(sum)?;
        rest = following.trim_start();
    }
    (sum > 0).then_some(sum)
}

fn unit_seconds(unit: &str) -> Option<i64> {
    match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3_600),
        "d" | "day" | "days" => Some(86_400),
        "w" | "week" | "weeks" => Some(7 * 86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn whole_numbers_with_units_are_a_length() {
        for (length, expected) in [
            ("1s", 1),
            ("90 sec", 90),
            ("15m", 900),
            (" 15 minutes ", 900),
            ("1h 30m", 5_400),
            ("1h30min", 5_400),
            ("1hr 1second", 3_601),
            ("1d", 86_400),
            ("2days 0h", 172_800),
            ("1w", 604_800),
            ("2 weeks 1 day", 1_296_000),
        ] {
            assert_eq!(seconds(length), Some(expected), "{length}");
        }
    }

    #[test]
    fn all_else_is_none() {
        for length in [
            "",
            " ",
            "0s",
            "0h 0m",
            "15",
            "m",
            "m15",
            "-5m",
            "+5m",
            "1.5h",
            "500ms",
            "1us",
            "1month",
            "1mo",
            "1M",
            "1y",
            "1H",
            "PT15M",
            "01:30:00",
            "15m ago",
            "1h, 30m",
            "15µs",
            "１５m",
            "1h 30",
            "9223372036854775807m",
            "99999999999999999999s",
            "9223372036854775807s 1s",
        ] {
            assert_eq!(seconds(length), None, "{length}");
        }
    }
}

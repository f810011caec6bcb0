use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, zone).unwrap_or_else(|wrong| panic!("{expression}: {wrong}"))
}

/// The ticks of a schedule after `from`, as the clock on the wall shows them.
fn ticks(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let (schedule, mut at) = (schedule(expression, zone), time(from));
    let mut tick = || {
        at = schedule.next(at).expect("there is a next tick");
        at.to_zoned(schedule.zone.clone()).strftime("%m-%d %H:%M:%S%:z").to_string()
    };
    (0..count).map(|_| tick()).collect()
}

fn refused(expression: &str) -> String {
    Schedule::parse(expression, "UTC").unwrap_err().to_string()
}

const BEFORE_GAP: &str = "2027-03-27T12:00:00Z"; // Vienna goes from 02:00+01 to 03:00+02 on the 28th
const BEFORE_FOLD: &str = "2027-10-30T12:00:00Z"; // and from 03:00+02 to 02:00+01 on the 31st

#[test]
fn five_fields_six_and_names() {
    let from = "2027-01-01T00:00:00Z";
    assert_eq!(ticks("0 3 * * *", "UTC", from, 2), ["01-01 03:00:00+00:00", "01-02 03:00:00+00:00"]);
    assert_eq!(ticks("*/20 * * * * *", "UTC", from, 2), ["01-01 00:00:20+00:00", "01-01 00:00:40+00:00"]);
    assert_eq!(ticks("@hourly", "UTC", from, 1), ["01-01 01:00:00+00:00"]);
    for daily in ["@daily", "@midnight"] {
        assert_eq!(ticks(daily, "Europe/Vienna", from, 1), ["01-02 00:00:00+01:00"]);
    }
    assert_eq!(ticks("@weekly", "UTC", from, 1), ["01-03 00:00:00+00:00"]);
    assert_eq!(ticks("@monthly", "UTC", from, 1), ["02-01 00:00:00+00:00"]);
    for yearly in ["@yearly", "@annually"] {
        assert_eq!(ticks(yearly, "UTC", from, 1), ["01-01 00:00:00+00:00"]);
    }
    assert_eq!(ticks("0 9 L * *", "UTC", from, 2), ["01-31 09:00:00+00:00", "02-28 09:00:00+00:00"]);
    assert_eq!(ticks("0 9 * * FRI#2", "UTC", from, 1), ["01-08 09:00:00+00:00"]);
    assert_eq!(ticks("0 9 * * FRI#L", "UTC", from, 1), ["01-29 09:00:00+00:00"]);
    assert_eq!(ticks("0 9 16W * *", "UTC", from, 1), ["01-15 09:00:00+00:00"], "the 16th is a Saturday");
    assert_eq!(ticks("0 9 ? JAN MON-FRI", "UTC", from, 2), ["01-01 09:00:00+00:00", "01-04 09:00:00+00:00"]);
    assert_eq!(ticks("0 0 13 * +FRI", "UTC", from, 1), ["08-13 00:00:00+00:00"]);
}

#[test]
fn every_is_aligned_to_the_epoch() {
    assert_eq!(
        ticks("@every 15m", "Asia/Kolkata", "2027-01-01T00:07:03.5Z", 2),
        ["01-01 05:45:00+05:30", "01-01 06:00:00+05:30"]
    );
    assert_eq!(ticks("@every 1h 30m", "UTC", "2027-01-01T00:00:00Z", 1), ["01-01 01:30:00+00:00"]);
    assert_eq!(ticks("@every 1d", "UTC", "2027-01-01T05:00:00Z", 1), ["01-02 00:00:00+00:00"]);
    for wrong in
        ["@every ", "@every", "@every 0s", "@every 500ms", "@every -5m", "@every month", "@every 1mo", "@every PT1H"]
    {
        assert!(refused(wrong).contains("@every 15m"), "{}", refused(wrong));
    }
}

#[test]
fn a_named_time_in_a_gap_comes_when_the_gap_ends() {
    let days = ["03-28 03:00:00+02:00", "03-29 02:30:00+02:00"];
    assert_eq!(ticks("30 2 * * *", "Europe/Vienna", BEFORE_GAP, 2), days);
    assert_eq!(ticks("30 2,14 * * *", "Europe/Vienna", "2027-03-27T20:00:00Z", 1), days[..1]);
    // All that the gap swallowed, and the tick at its very end, are one tick.
    let once = ["03-28 03:00:00+02:00", "03-28 03:30:00+02:00"];
    assert_eq!(ticks("*/30 2-3 * * *", "Europe/Vienna", "2027-03-27T20:00:00Z", 2), once);
    assert_eq!(ticks("0 2 * * *", "Europe/Vienna", BEFORE_GAP, 1), days[..1], "the first moment of the gap");
    // Lord Howe goes from 02:00+10:30 to 02:30+11 on the first Sunday of October.
    let half = ["10-03 02:30:00+11:00", "10-04 02:15:00+11:00"];
    assert_eq!(ticks("15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", 2), half);
}

#[test]
fn a_named_time_that_comes_twice_counts_once() {
    let days = ["10-31 02:30:00+02:00", "11-01 02:30:00+01:00"];
    assert_eq!(ticks("30 2 * * *", "Europe/Vienna", BEFORE_FOLD, 2), days);
    // Asked between the two, it is over for that day.
    assert_eq!(ticks("30 2 * * *", "Europe/Vienna", "2027-10-31T01:10:00Z", 1), days[1..]);
    assert_eq!(
        ticks("0 2-3 * * *", "Europe/Vienna", "2027-10-30T20:00:00Z", 2),
        ["10-31 02:00:00+02:00", "10-31 03:00:00+01:00"]
    );
    // Lord Howe goes from 02:00+11 to 01:30+10:30 on the first Sunday of April.
    let half = ["04-04 01:45:00+11:00", "04-05 01:45:00+10:30"];
    assert_eq!(ticks("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", 2)[..], half);
}

#[test]
fn a_schedule_by_the_hour_goes_by_the_clock() {
    let gap = ["03-28 01:30:00+01:00", "03-28 03:30:00+02:00"];
    assert_eq!(ticks("30 * * * *", "Europe/Vienna", "2027-03-28T00:00:00Z", 2), gap);
    let gap = ["03-28 01:30:00+01:00", "03-28 03:00:00+02:00", "03-28 03:30:00+02:00"];
    assert_eq!(ticks("*/30 * * * *", "Europe/Vienna", "2027-03-28T00:00:00Z", 3), gap);
    let fold = ["10-31 02:30:00+02:00", "10-31 02:30:00+01:00", "10-31 03:30:00+01:00"];
    assert_eq!(ticks("30 * * * *", "Europe/Vienna", "2027-10-31T00:00:00Z", 3), fold);
    let even = ["10-31 02:00:00+02:00", "10-31 02:00:00+01:00", "10-31 04:00:00+01:00"];
    assert_eq!(ticks("0 */2 * * *", "Europe/Vienna", "2027-10-30T23:00:00Z", 3), even);
    let half = ["10-03 01:45:00+10:30", "10-03 02:30:00+11:00", "10-03 02:45:00+11:00"];
    assert_eq!(ticks("*/15 * * * *", "Australia/Lord_Howe", "2027-10-02T15:00:00Z", 3), half);
    let half = ["04-04 01:45:00+11:00", "04-04 01:45:00+10:30", "04-04 02:45:00+10:30"];
    assert_eq!(ticks("45 * * * *", "Australia/Lord_Howe", "2027-04-03T14:00:00Z", 3), half);
}

#[test]
fn leap_days_come_every_fourth_year_but_not_in_2100() {
    let leap = schedule("0 0 29 2 *", "UTC");
    assert_eq!(leap.next(time("2027-01-01T00:00:00Z")), Some(time("2028-02-29T00:00:00Z")));
    assert_eq!(leap.next(time("2096-03-01T00:00:00Z")), Some(time("2104-02-29T00:00:00Z")));
}

#[test]
fn an_expression_that_fits_no_date_is_refused() {
    for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 31 2 *"] {
        assert_eq!(refused(never), format!("the cron expression `{never}` never comes: no date fits it"));
    }
}

#[test]
fn what_is_no_expression_is_refused_and_never_panics() {
    for wrong in ["", "nightly", "* * * *", "* * * * * * *", "@nightly", "@daily @daily", "60 * * * *", "* 24 * * *"] {
        assert!(refused(wrong).contains("is no cron expression"), "{wrong}: {}", refused(wrong));
    }
    let steps = "a list `a,b`, a range `a-b`, or either with a step `/n`";
    for (wrong, field) in [
        ("* 24 * * *", "the hour `24`, expected 0-23"),
        ("0 0 0 * 5 MOON", "the day of week `MOON`, expected 0-7 or SUN-SAT, also with `#1` to `#5` or `#L`"),
        ("61 0 * * * *", "the second `61`, expected 0-59"),
        ("* * 0 * *", "the day of month `0`, expected 1-31, `L`, or a day with `W`"),
    ] {
        assert_eq!(refused(wrong), format!("`{wrong}` is no cron expression: {field}, {steps}"));
    }
    for odd in [
        "*/0 * * * *",
        "1-0 * * * *",
        "5#9 * * * *",
        "* * * * 9#9",
        "* * W * *",
        "* * * * #",
        "é * * * *",
        "-- / , # L",
    ] {
        let _ = Schedule::parse(odd, "UTC");
    }
}

#[test]
fn an_unknown_zone_is_refused() {
    let refused = |zone| Schedule::parse("@daily", zone).unwrap_err().to_string();
    assert_eq!(
        refused("Europe/Wien"),
        "there is no time zone `Europe/Wien`: expected an IANA name, such as `Europe/Vienna`"
    );
    assert!(refused("").contains("IANA") && refused("+02:00").contains("IANA"));
}

#[test]
fn the_last_tick_of_a_span() {
    let last = |expression, after, until| schedule(expression, "Europe/Vienna").last_between(time(after), time(until));
    let day = ("2027-05-01T00:00:00Z", "2027-05-03T12:34:56Z");
    assert_eq!(last("0 3 * * *", day.0, day.1), Some(time("2027-05-03T01:00:00Z")));
    assert_eq!(last("* * * * * *", day.0, day.1), Some(time(day.1)));
    assert_eq!(last("@every 1h", day.0, "2027-05-03T12:00:00Z"), Some(time("2027-05-03T12:00:00Z")), "its end counts");
    assert_eq!(last("@every 1h", "2027-05-03T12:00:00Z", "2027-05-03T12:59:59Z"), None, "its start doesn't");
    assert_eq!(last("@yearly", day.0, day.1), None);
    assert_eq!(last("@yearly", "2020-01-01T00:00:00Z", day.1), Some(time("2026-12-31T23:00:00Z")));
}

#[test]
fn ticks_only_move_forward_through_a_year_of_changes() {
    for (expression, zone) in [("*/7 1-3 * * *", "Europe/Vienna"), ("*/7 * * * *", "Australia/Lord_Howe")] {
        let (schedule, mut at) = (schedule(expression, zone), time("2027-01-01T00:00:00Z"));
        while at < time("2028-01-01T00:00:00Z") {
            let next = schedule.next(at).unwrap();
            let between = at + (next.duration_since(at) / 2);
            assert!(next > at);
            assert_eq!(schedule.next(between), Some(next), "{expression} in {zone}, between {at} and {next}");
            at = next;
        }
    }
}

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use jiff::Timestamp;
use jobwork::{Backoff, JobError, Schedule};
use jobwork_macros_open as macros;
use proc_macro2::{Literal, TokenStream};

/// Cron expressions, time zones, durations, rates and backoffs. What the compiler lets pass a worker reads too; the ticks of a
/// schedule go forward, and waits end.
///
/// # Panics
/// Where that does not hold.
pub fn times(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    schedule(&text, "UTC");
    options(&text);
    let _ = numbers(&mut Unstructured::new(bytes));
    let _ = fields(&mut Unstructured::new(bytes));
}

fn schedule(expression: &str, zone: &str) {
    let read = Schedule::parse(expression, zone);
    let passes = !is_error(&option("cron", expression));
    match read {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!passes || zone != "UTC", "the macro lets `{expression}` pass: {error}");
        }
        Ok(schedule) => {
            assert!(passes, "the macro refuses `{expression}`");
            ticks(&schedule);
        }
    }
}

fn ticks(schedule: &Schedule) {
    for start in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::constant(1_800_000_000, 5), Timestamp::MAX] {
        let mut last = start;
        for _ in 0..3 {
            let Some(tick) = schedule.next(last) else { break };
            assert!(tick > last, "{schedule:?}: {tick} comes after {last}");
            last = tick;
        }
        if let Some(tick) = schedule.last_between(start, last) {
            assert!(tick <= last && tick > start);
        }
    }
}

/// Expressions that are nearly right.
fn fields(input: &mut Unstructured<'_>) -> Result<()> {
    const WORDS: [&str; 24] = [
        "*", "0", "7", "30", "31", "59", "60", "*/5", "1-5", "5-1", "L", "15W", "FRI#2", "FRI#L", "MON-FRI", "JAN",
        "FEB", "+FRI", "?", "1,2,3", "*/0", "@every", "15m", "1h",
    ];
    const ZONES: [&str; 4] = ["Europe/Vienna", "America/New_York", "Pacific/Apia", "UTC"];
    let count = input.int_in_range(1..=7)?;
    let words = (0..count).map(|_| input.choose(&WORDS).copied()).collect::<Result<Vec<_>>>()?;
    schedule(&words.join(" "), input.choose(&ZONES)?);
    Ok(())
}

/// The text as the value of each option that takes a time.
fn options(text: &str) {
    for name in
        ["timeout", "delay", "expires", "retry_for", "retain", "backoff", "rate", "debounce", "throttle", "missed"]
    {
        let made = option(name, text);
        assert!(!made.is_empty(), "there is an error, or the job");
    }
}

/// What `#[job(name = "text")]` makes of a function.
fn option(name: &str, text: &str) -> TokenStream {
    let name: TokenStream = name.parse().expect("a name is a token");
    let text = Literal::string(text);
    let function = "async fn note() {}".parse().expect("a function is made of tokens");
    macros::job(
        [name, "=".parse().expect("so is this"), TokenStream::from_iter([proc_macro2::TokenTree::from(text)])]
            .into_iter()
            .collect(),
        function,
    )
}

fn is_error(made: &TokenStream) -> bool {
    made.to_string().contains("compile_error")
}

fn numbers(input: &mut Unstructured<'_>) -> Result<()> {
    let (first, last): (Duration, Duration) = (input.arbitrary()?, input.arbitrary()?);
    let (attempt, jitter): (u32, f64) = (input.arbitrary()?, input.arbitrary()?);
    let error = JobError::new("no luck");
    for backoff in [Backoff::Polynomial, Backoff::Fixed(first), Backoff::exponential(first, last), Backoff::List(&[])] {
        let (base, wait) = (backoff.base(attempt), backoff.wait(attempt, &error, jitter));
        assert!(
            wait >= base && wait <= base.mul_f64(1.1) + Duration::from_millis(1),
            "{backoff:?}: {base:?}, {wait:?}"
        );
    }
    Ok(())
}

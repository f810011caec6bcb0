use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use jiff::SignedDuration;
use serde_json::Value;

use super::exit::Failure;
use super::out::Out;
use super::root::{flag, option};
use super::time;
use crate::client::Jobs;
use crate::job::Rate;
use crate::store::QueueLimit;

pub(super) fn command() -> Command {
    Command::new("limit")
        .about("Limits the jobs of a queue, over all processes; without options it shows the limit")
        .arg(Arg::new("queue").value_name("QUEUE").help("The queue").required(true))
        .arg(
            option("concurrency", "N", "At most so many run at once")
                .value_parser(value_parser!(u32).range(1..))
                .conflicts_with("clear"),
        )
        .arg(
            option("rate", "N/TIME", "At most so many start in each such time, such as 100/1m")
                .value_parser(rate)
                .conflicts_with("clear"),
        )
        .arg(flag("clear", "Sets the queue free"))
        .after_help(
            "What is not named stays as it is. A limit holds until a worker starts whose program names another one than \
             the last that started.",
        )
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(queue) = args.get_one::<String>("queue") else { return Ok(()) };
    let old = jobs.queue_limits().await?.into_iter().find(|(name, _)| name == queue);
    let old = old.map(|(_, limit)| limit).unwrap_or_default();
    let new = changed(args, old);
    if new != old {
        jobs.limit_queue(queue, new).await?;
    }
    if out.is_json() {
        let mut json = serde_json::to_value(new)?;
        json["queue"] = Value::from(queue.as_str());
        return Ok(out.json(&json)?);
    }
    Ok(out.line(&format!("{queue}  {}", in_words(new).unwrap_or_else(|| "no limit".to_owned())))?)
}

fn changed(args: &ArgMatches, old: QueueLimit) -> QueueLimit {
    if args.get_flag("clear") {
        return QueueLimit::new();
    }
    let concurrency = args.get_one("concurrency").copied();
    let rate = args.get_one("rate").copied();
    QueueLimit { concurrency: concurrency.or(old.concurrency), rate: rate.or(old.rate) }
}

/// The limit for people; `None` where there is none.
pub(super) fn in_words(limit: QueueLimit) -> Option<String> {
    let concurrency = limit.concurrency.map(|count| format!("{count} at once"));
    let rate = limit.rate.map(|rate| format!("{}/{}", rate.count, short(rate.per)));
    let words: Vec<String> = concurrency.into_iter().chain(rate).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The duration as it may be written.
fn short(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}

/// `100/1m`.
fn rate(text: &str) -> Result<Rate, String> {
    let expected = "expected a number from 1 and a time, such as `100/1m`";
    let (count, per) = text.split_once('/').ok_or(expected)?;
    match (count.parse(), time::duration(per)) {
        (Ok(count @ 1..), Ok(per)) if !per.is_zero() => Ok(Rate { count, per }),
        _ => Err(expected.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rate("100/1m"), Ok(Rate { count: 100, per: Duration::from_secs(60) }));
        assert_eq!(rate("1/1h 30m"), Ok(Rate { count: 1, per: Duration::from_secs(5400) }));
        for bad in ["", "100", "100/", "/1m", "0/1m", "-1/1m", "100/m", "100/0s", "1.5/1m", "100/1m/2"] {
            assert!(rate(bad).unwrap_err().contains("`100/1m`"), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_told_as_it_is_written() {
        let limit = QueueLimit::new().rate(100, Duration::from_secs(90));
        assert_eq!(in_words(limit).as_deref(), Some("100/1m 30s"));
        assert_eq!(in_words(limit.concurrency(5)).as_deref(), Some("5 at once, 100/1m 30s"));
        assert_eq!(in_words(QueueLimit::new()), None);
    }
}

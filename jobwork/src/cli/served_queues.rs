//! The queues that `work` serves, as the command line says it.

use clap::{Arg, ArgAction, ArgMatches};

use super::exit::{Exit, Failure};
use super::root::option;
use crate::worker::{App, Queues};

/// A queue as it stands in a list, with its weight if it has one there.
type Named = (String, Option<u32>);

pub(super) fn args() -> [Arg; 4] {
    [
        option("queue", "QUEUE", "Serves only this queue; may be given several times, the most important first")
            .action(ArgAction::Append)
            .conflicts_with("queues"),
        option("queues", "LIST", "Serves only these queues: `high,low`, or with weights `high:3,low:1`")
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(named),
        option("order", "ORDER", "In which order: strict, weighted or random [default: weighted if there are weights]")
            .value_parser(["strict", "weighted", "random"])
            .hide_possible_values(true),
        option(
            "queue-concurrency",
            "QUEUE=N",
            "Runs at most N jobs of this queue at a time; may be given several times",
        )
        .action(ArgAction::Append)
        .value_parser(limited),
    ]
}

/// The app with what the command line says of its queues.
pub(super) fn configured(args: &ArgMatches, app: App) -> Result<App, Failure> {
    let limits = args.try_get_many::<(String, usize)>("queue-concurrency").ok().flatten().into_iter().flatten();
    let app = limits.fold(app, |app, (queue, jobs)| app.queue_concurrency(queue, *jobs));
    let plain = args.try_get_many::<String>("queue").ok().flatten().into_iter().flatten();
    let listed = args.try_get_many::<Named>("queues").ok().flatten().into_iter().flatten();
    let queues: Vec<Named> = plain.map(|queue| (queue.clone(), None)).chain(listed.cloned()).collect();
    let order = args.try_get_one::<String>("order").ok().flatten().map(String::as_str);
    match (queues.is_empty(), order) {
        (true, None) => Ok(app),
        (true, Some(_)) => Err(wrong("`--order` is of named queues: name them with `--queues high,low`")),
        (false, order) => Ok(app.queues(ordered(queues, order)?)),
    }
}

fn ordered(queues: Vec<Named>, order: Option<&str>) -> Result<Queues, Failure> {
    let weighted = queues.iter().find(|(_, weight)| weight.is_some());
    match (order, weighted) {
        (Some("weighted"), _) | (None, Some(_)) => {
            Ok(Queues::weighted(queues.into_iter().map(|(queue, weight)| (queue, weight.unwrap_or(1)))))
        }
        (Some(order), Some((queue, _))) => Err(wrong(format!(
            "queue `{queue}` has a weight, but `--order {order}` takes none: use `--order weighted`"
        ))),
        (Some("random"), None) => Ok(Queues::random(names(queues))),
        (_, None) => Ok(Queues::strict(names(queues))),
    }
}

fn names(queues: Vec<Named>) -> impl Iterator<Item = String> {
    queues.into_iter().map(|(queue, _)| queue)
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// `high`, or `high:3`.
fn named(text: &str) -> Result<Named, String> {
    let (queue, weight) = match text.rsplit_once(':') {
        None => (text, None),
        Some((queue, weight)) => match weight.parse() {
            Ok(weight @ 1..) => (queue, Some(weight)),
            _ => {
                let hint = "a queue whose name has a colon or comma is named with `--queue`";
                return Err(format!("expected a weight from 1 after the colon, such as `high:3`; {hint}"));
            }
        },
    };
    if queue.is_empty() {
        return Err("expected the name of a queue, such as `high` or `high:3`".to_owned());
    }
    Ok((queue.to_owned(), weight))
}

/// `mail=5`.
fn limited(text: &str) -> Result<(String, usize), String> {
    let parsed = text.rsplit_once('=').and_then(|(queue, jobs)| Some((queue.to_owned(), jobs.parse().ok()?)));
    match parsed {
        Some((queue, jobs @ 1..)) => Ok((queue, jobs)),
        _ => Err("expected a queue and how many of its jobs from 1, such as `mail=5`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_follows_the_last_colon() {
        assert_eq!(named("high"), Ok(("high".to_owned(), None)));
        assert_eq!(named("high:3"), Ok(("high".to_owned(), Some(3))));
        assert_eq!(named("a:b:1"), Ok(("a:b".to_owned(), Some(1))));
        for bad in ["high:", "high:0", "high:-1", "high:three", "high:1.5"] {
            assert!(named(bad).unwrap_err().contains("`high:3`"), "{bad}");
        }
        for bad in ["", ":3"] {
            assert!(named(bad).unwrap_err().contains("the name of a queue"), "{bad}");
        }
    }

    #[test]
    fn a_limit_follows_the_last_equals_sign() {
        assert_eq!(limited("mail=5"), Ok(("mail".to_owned(), 5)));
        assert_eq!(limited("a=b=1"), Ok(("a=b".to_owned(), 1)));
        for bad in ["mail", "mail=", "mail=0", "mail=-1", "=", "5"] {
            assert!(limited(bad).unwrap_err().contains("`mail=5`"), "{bad}");
        }
    }

    #[test]
    fn weights_make_an_order_weighted() {
        let list = |words: &[&str]| words.iter().map(|word| named(word).unwrap()).collect::<Vec<_>>();
        assert_eq!(ordered(list(&["a", "b"]), None).unwrap(), Queues::strict(["a", "b"]));
        assert_eq!(ordered(list(&["a", "b"]), Some("strict")).unwrap(), Queues::strict(["a", "b"]));
        assert_eq!(ordered(list(&["a", "b"]), Some("random")).unwrap(), Queues::random(["a", "b"]));
        assert_eq!(ordered(list(&["a:3", "b"]), None).unwrap(), Queues::weighted([("a", 3), ("b", 1)]));
        assert_eq!(ordered(list(&["a", "b"]), Some("weighted")).unwrap(), Queues::weighted([("a", 1), ("b", 1)]));
        let refused = ordered(list(&["a", "b:2"]), Some("strict")).unwrap_err();
        assert!(refused.message.contains("`b` has a weight, but `--order strict` takes none"), "{refused:?}");
    }
}

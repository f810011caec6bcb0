//! The options of `#[job(..)]` as they were written: syntax only.

use proc_macro2::TokenStream;
use syn::{Expr, LitStr, Path};

use super::flow::FlowArgs;
use crate::diag::{Errors, error};
use crate::keys::{Key, Table};
use crate::value::{self, Timed};

const TABLE: Table = Table {
    owner: "#[job]",
    keys: &[
        ("queue", "\"mail\""),
        ("priority", "3"),
        ("retries", "5"),
        ("backoff", "exponential(\"1s\"..\"1h\")"),
        ("retry_if", "is_worth_retrying"),
        ("timeout", "\"10m\""),
        ("cleanup", "\"5s\""),
        ("middleware", "[measure]"),
        ("on_error", "note_failure"),
        ("on_dead", "page_on_call"),
        ("unique", "[to, subject]"),
        ("debounce", "\"5s\""),
        ("throttle", "\"1m\""),
        ("concurrency", "2"),
        ("rate", "\"100/1m\""),
        ("key", "account_id"),
        ("ordered", "account_id"),
        ("expires", "\"1h\""),
        ("retry_for", "\"48h\""),
        ("retain", "\"7d\""),
        ("cron", "\"0 3 * * *\""),
        ("tz", "\"Europe/Vienna\""),
        ("missed", "\"once\""),
        ("version", "2"),
        ("upgrade", "[from_v1, from_v2]"),
        ("encrypted", ""),
        ("log", "\"info\""),
        ("name", "\"send_email\""),
        ("alias", "[\"old_name\"]"),
        ("feature", "\"worker\""),
        ("crate", "::my_crate::jobwork"),
    ],
    bare: &["unique", "ordered", "encrypted"],
    lists: &["unique", "debounce", "throttle", "concurrency", "rate", "ordered"],
    hints: &[
        (
            "retry",
            "`retry` is not an option of `#[job]`: the number of retries is `retries = 5`, the wait `backoff = \"30s\"`",
        ),
        ("max_retries", "`max_retries` is not an option of `#[job]`: write `retries = 5`"),
        ("attempts", "`attempts` is not an option of `#[job]`: `retries = 4` makes five attempts"),
        ("max_attempts", "`max_attempts` is not an option of `#[job]`: `retries = 4` makes five attempts"),
        ("delay", "`delay` is not an option of `#[job]`: a dispatch is delayed, `SendEmail::dispatch(..).delay(..)`"),
        ("aliases", "`aliases` is not an option of `#[job]`: write `alias = [\"old_name\"]`"),
        ("schedule", "`schedule` is not an option of `#[job]`: write `cron = \"0 3 * * *\"`"),
        ("timezone", "`timezone` is not an option of `#[job]`: write `tz = \"Europe/Vienna\"`"),
        ("rate_limit", "`rate_limit` is not an option of `#[job]`: write `rate = \"100/1m\"`"),
        ("max_concurrency", "`max_concurrency` is not an option of `#[job]`: write `concurrency = 2`"),
        (
            "ttl",
            "`ttl` is not an option of `#[job]`: `expires = \"1h\"` is until it starts, `retain = \"7d\"` once it has ended",
        ),
        (
            "deadline",
            "`deadline` is not an option of `#[job]`: write `retry_for = \"48h\"` for all attempts, `timeout = \"10m\"` for one",
        ),
    ],
};

/// What was written between the parentheses of `#[job(..)]`.
#[derive(Default)]
pub(crate) struct JobArgs {
    pub(super) queue: Option<LitStr>,
    pub(super) priority: Option<i32>,
    pub(super) retries: Option<u32>,
    pub(super) backoff: Option<BackoffArg>,
    pub(super) retry_if: Option<Path>,
    pub(super) timeout: Option<Timed>,
    pub(super) cleanup: Option<Timed>,
    pub(super) middleware: Vec<Expr>,
    pub(super) on_error: Option<Path>,
    pub(super) on_dead: Option<Path>,
    pub(super) flow: FlowArgs,
    pub(super) expires: Option<Timed>,
    pub(super) retry_for: Option<Timed>,
    pub(super) retain: Option<Timed>,
    pub(super) cron: CronArgs,
    pub(super) version: Option<u32>,
    pub(super) upgrade: Option<UpgradeArg>,
    pub(super) encrypted: bool,
    pub(super) log: Option<LitStr>,
    pub(super) name: Option<LitStr>,
    pub(super) alias: Vec<LitStr>,
    pub(super) feature: Option<LitStr>,
    pub(super) krate: Option<Path>,
}

/// When the job is dispatched by the clock.
#[derive(Default)]
pub(crate) struct CronArgs {
    pub(super) expression: Option<LitStr>,
    pub(super) zone: Option<LitStr>,
    pub(super) missed: Option<LitStr>,
}

/// The functions from older versions, the oldest first, and where they were written.
pub(crate) struct UpgradeArg {
    pub(super) at: Expr,
    pub(super) steps: Vec<Path>,
}

/// The value of `backoff`.
pub(crate) enum BackoffArg {
    Fixed(Timed),
    Exponential(Timed, Timed),
    List(syn::ExprArray, Vec<Timed>),
    Custom(Path),
}

impl JobArgs {
    pub(super) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        for key in TABLE.read(tokens, errors) {
            let result = args.take(&key, errors);
            errors.keep(result);
        }
        args
    }

    fn take(&mut self, key: &Key, errors: &mut Errors) -> syn::Result<()> {
        match key.name.to_string().as_str() {
            "queue" => self.queue = Some(key.string()?),
            "priority" => self.priority = Some(key.integer(i32::MIN.into(), i32::MAX.into())?),
            "retries" => self.retries = Some(key.integer(0, u32::MAX.into())?),
            "backoff" => self.backoff = Some(backoff(key)?),
            "retry_if" => self.retry_if = Some(key.function()?),
            "timeout" => self.timeout = Some(key.duration()?),
            "cleanup" => self.cleanup = Some(key.duration()?),
            "middleware" => self.middleware = key.list()?,
            "on_error" => self.on_error = Some(key.function()?),
            "on_dead" => self.on_dead = Some(key.function()?),
            "unique" | "debounce" | "throttle" | "concurrency" | "rate" | "key" | "ordered" => {
                self.flow.take(key, errors)?;
            }
            "expires" => self.expires = Some(key.duration()?),
            "retry_for" => self.retry_for = Some(key.duration()?),
            "retain" => self.retain = Some(key.duration()?),
            "cron" => self.cron.expression = Some(key.string()?),
            "tz" => self.cron.zone = Some(key.string()?),
            "missed" => self.cron.missed = Some(key.string()?),
            "version" => self.version = Some(key.integer(1, u32::MAX.into())?),
            "upgrade" => self.upgrade = Some(upgrade(key)?),
            "encrypted" => self.encrypted = true,
            "log" => self.log = Some(key.string()?),
            "name" => self.name = Some(key.string()?),
            "alias" => self.alias = key.strings()?,
            "feature" => self.feature = Some(key.string()?),
            "crate" => self.krate = Some(key.krate()?),
            other => unreachable!("the table has `{other}`, the match has not"),
        }
        Ok(())
    }
}

fn upgrade(key: &Key) -> syn::Result<UpgradeArg> {
    let at = key.value()?.clone();
    let steps = match &at {
        Expr::Array(list) => list.elems.iter().map(value::path).collect::<Option<Vec<_>>>(),
        other => value::path(other).map(|path| vec![path]),
    };
    let steps = steps.filter(|steps| !steps.is_empty());
    let steps =
        steps.ok_or_else(|| key.expected("the path of a function, or a list of them from the oldest version on"))?;
    Ok(UpgradeArg { at, steps })
}

fn backoff(key: &Key) -> syn::Result<BackoffArg> {
    match key.value()? {
        Expr::Call(call) if value::path(&call.func).is_some_and(|path| path.is_ident("exponential")) => {
            let mut args = call.args.iter();
            match (args.next(), args.next()) {
                (Some(Expr::Range(range)), None) => exponential(range),
                _ => Err(not_a_range(&call.args)),
            }
        }
        Expr::Array(list) => {
            let waits = list.elems.iter().map(|wait| value::duration(wait, "\"10s\""));
            Ok(BackoffArg::List(list.clone(), waits.collect::<syn::Result<_>>()?))
        }
        other => match value::path(other) {
            Some(path) => Ok(BackoffArg::Custom(path)),
            None if value::string(other).is_some() => Ok(BackoffArg::Fixed(value::duration(other, "\"30s\"")?)),
            None => Err(error(
                other,
                "expected a wait `\"30s\"`, `exponential(\"1s\"..\"1h\")`, a list `[\"1s\", \"1m\"]`, or the path of a function",
            )),
        },
    }
}

fn exponential(range: &syn::ExprRange) -> syn::Result<BackoffArg> {
    match (&range.start, &range.limits, &range.end) {
        (Some(first), syn::RangeLimits::HalfOpen(_), Some(last)) => {
            Ok(BackoffArg::Exponential(value::duration(first, "\"1s\"")?, value::duration(last, "\"1h\"")?))
        }
        _ => Err(not_a_range(range)),
    }
}

fn not_a_range(at: impl quote::ToTokens) -> syn::Error {
    error(at, "expected the first and the longest wait, such as `exponential(\"1s\"..\"1h\")`")
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn mistakes(tokens: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        JobArgs::read(tokens, &mut errors);
        errors.messages()
    }

    #[test]
    fn every_key_of_the_table_takes_its_own_example() {
        for (key, example) in TABLE.keys {
            let text = if example.is_empty() { (*key).to_owned() } else { format!("{key} = {example}") };
            let tokens: TokenStream = text.parse().unwrap();
            assert_eq!(mistakes(tokens), [""; 0], "{key}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let mistakes = mistakes(quote!(queue = 3, retires = 5, timeout = 10m, name = "a", name = "b", 7, priority));
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    }

    #[test]
    fn a_missing_comma_is_one_mistake_and_what_follows_is_read() {
        let mut errors = Errors::default();
        let args = JobArgs::read(quote!(retries = 5 queue = "mail"), &mut errors);
        assert_eq!(errors.messages(), ["expected `,` before this"]);
        assert_eq!(args.queue.unwrap().value(), "mail");
    }

    #[test]
    fn an_unknown_key_is_told_the_nearest() {
        let mistakes = mistakes(quote!(retires = 5));
        assert!(mistakes[0].contains("did you mean `retries`?"), "{mistakes:?}");
    }

    #[test]
    fn the_forms_of_backoff() {
        for (tokens, right) in [
            (quote!(backoff = "30s"), true),
            (quote!(backoff = ["1s", "1m"]), true),
            (quote!(backoff = waits::mine), true),
            (quote!(backoff = exponential("1s".."1h")), true),
            (quote!(backoff = exponential("1s"..="1h")), false),
            (quote!(backoff = exponential("1s", "1h")), false),
            (quote!(backoff = exponential("1s"..)), false),
            (quote!(backoff = 30), false),
            (quote!(backoff = ["1s", 7]), false),
        ] {
            assert_eq!(mistakes(tokens.clone()).is_empty(), right, "{tokens}");
        }
    }
}

//! The rules for the options that a worker follows.

use std::time::Duration;

use quote::ToTokens;
use syn::LitStr;

use super::args::{BackoffArg, JobArgs};
use super::cron;
use super::parameter::Parameter;
use super::setting::{Setting, Value, settings};
use crate::diag::{Errors, nearest};
use crate::value::Timed;

/// The calls on `Handling::new()`.
pub(super) fn settings_of(args: &JobArgs, parameters: &[Parameter], errors: &mut Errors) -> Vec<Setting> {
    let written = |tokens: &dyn ToTokens| Value::Written(tokens.to_token_stream());
    let timeout = args.timeout.map(|timeout| {
        if timeout.value.is_zero() {
            errors.add(timeout, "a timeout of nothing ends every attempt before it begins: leave it away for none");
        }
        Value::Time(timeout.value)
    });
    let cleanup = args.cleanup.map(|cleanup| Value::Time(cleanup.value));
    let backoff = args.backoff.as_ref().map(|backoff| checked(backoff, errors));
    let cron = cron::read(&args.cron, parameters, errors).map(Value::Cron);
    let mut all = settings([
        ("timeout", timeout),
        ("cleanup", cleanup),
        ("backoff", backoff),
        ("keep_log", args.log.as_ref().and_then(|level| log_level(level, errors))),
        ("cron", cron),
        ("retry_if", args.retry_if.as_ref().map(|path| written(path))),
    ]);
    for layer in &args.middleware {
        if let syn::Expr::Lit(literal) = layer {
            errors.add(literal, "expected middleware: the path of a function, or a value such as `Limit::new(3)`");
        }
        all.push(Setting { method: "middleware", value: written(layer) });
    }
    all.extend(settings([
        ("on_error", args.on_error.as_ref().map(|path| written(path))),
        ("on_dead", args.on_dead.as_ref().map(|path| written(path))),
    ]));
    all
}

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

fn log_level(level: &LitStr, errors: &mut Errors) -> Option<Value> {
    let word = level.value();
    if LEVELS.contains(&word.as_str()) {
        return Some(Value::Level(word));
    }
    let guess = nearest(&word, LEVELS).map_or_else(String::new, |guess| format!(", did you mean \"{guess}\"?"));
    let all = LEVELS.map(|level| format!("\"{level}\"")).join(", ");
    errors.add(level, format_args!("expected how grave a line must be to be kept: {all}{guess}"));
    None
}

fn checked(backoff: &BackoffArg, errors: &mut Errors) -> Value {
    match backoff {
        BackoffArg::Fixed(wait) => Value::Fixed(wait.value),
        BackoffArg::Exponential(first, last) => {
            if first.value.is_zero() {
                errors.add(first, "twice nothing is nothing: the first wait must be longer");
            } else if first.value > last.value {
                errors.add(last, "the longest wait is shorter than the first");
            }
            Value::Exponential(first.value, last.value)
        }
        BackoffArg::List(list, waits) => {
            if waits.is_empty() {
                errors.add(list, "expected at least one wait: the last one of the list repeats");
            }
            Value::List(waits.iter().map(|wait: &Timed| wait.value).collect::<Vec<Duration>>())
        }
        BackoffArg::Custom(path) => Value::Custom(path.to_token_stream()),
    }
}

//! The rules for the options that are stored with each job.

use quote::quote;
use syn::Path;

use super::args::JobArgs;
use super::flow::FlowModel;
use super::setting::{Setting, Value, settings};
use crate::diag::Errors;
use crate::value::Timed;

/// The calls on `JobOptions::DEFAULT`.
pub(super) fn settings_of(args: &JobArgs, flow: &FlowModel, errors: &mut Errors) -> Vec<Setting> {
    if let Some(queue) = args.queue.as_ref().filter(|queue| queue.value().is_empty()) {
        errors.add(queue, "a queue's name can't be empty");
    }
    let queue = args.queue.as_ref().map(|queue| Value::Written(quote!(#queue)));
    let mut time = |time: Option<Timed>, why_not_zero: &str| {
        if let Some(time) = time.filter(|time| time.value.is_zero()) {
            errors.add(time, why_not_zero);
        }
        time.map(|time| Value::Time(time.value))
    };
    settings([
        ("queue", queue),
        ("priority", args.priority.map(|priority| Value::Number(priority.into()))),
        ("retries", args.retries.map(|retries| Value::Number(retries.into()))),
        ("delay", flow.delay().map(Value::Time)),
        ("expires", time(args.expires, "a job that expires at once is never started")),
        ("retry_for", time(args.retry_for, "for no time at all there is no retry: write `retries = 0`")),
        ("retain", args.retain.map(|retain| Value::Time(retain.value))),
        ("version", args.version.map(|version| Value::Number(version.into()))),
        ("encrypted", args.encrypted.then(|| Value::Written(quote!(true)))),
    ])
}

/// The functions from older versions of the arguments, the oldest first.
pub(super) fn upgrades(args: &JobArgs, errors: &mut Errors) -> Vec<Path> {
    let Some(upgrade) = &args.upgrade else { return Vec::new() };
    let (version, steps) = (args.version.unwrap_or(1), upgrade.steps.len());
    if version == 1 {
        let message = "there is nothing to upgrade from: add `version = 2`, the version of today's arguments";
        errors.add(&upgrade.at, message);
    } else if steps as u64 >= u64::from(version) {
        let most = version - 1;
        let message = format_args!(
            "version {version} has {most} older, and these are {steps} functions: one from each version to the next"
        );
        errors.add(&upgrade.at, message);
    }
    upgrade.steps.clone()
}

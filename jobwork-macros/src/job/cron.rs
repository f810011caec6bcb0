//! The rules for jobs that the clock dispatches.

use std::time::Duration;

use syn::LitStr;

use super::args::CronArgs;
use super::parameter::Parameter;
use crate::diag::Errors;

/// What becomes of the ticks that no worker was there for.
pub(super) enum Missed {
    Skip,
    Once,
    /// The ticks of this time are made up for.
    Fill(Duration),
}

/// A job's own schedule.
pub(super) struct Cron {
    pub(super) expression: LitStr,
    pub(super) zone: Option<LitStr>,
    pub(super) missed: Option<Missed>,
}

pub(super) fn read(args: &CronArgs, parameters: &[Parameter], errors: &mut Errors) -> Option<Cron> {
    let Some(expression) = &args.expression else {
        for (key, given) in [("tz", &args.zone), ("missed", &args.missed)] {
            if let Some(given) = given {
                errors.add(given, format_args!("`{key}` belongs to a schedule: add `cron = \"0 3 * * *\"`"));
            }
        }
        return None;
    };
    if let Some(argument) = parameters.iter().find(|parameter| parameter.is_argument()) {
        let what = "a job with `cron` takes no arguments, because nobody is there to give them";
        let instead = "inject what it needs, or leave `cron` away and write `app.cron(..)`, which is told them";
        errors.add(&argument.name, format_args!("{what}: {instead}"));
    }
    let missed = args.missed.as_ref().and_then(|missed| missed_ticks(missed, errors));
    errors.keep(crate::schedule::check(expression, args.zone.as_ref()));
    Some(Cron { expression: expression.clone(), zone: args.zone.clone(), missed })
}

fn missed_ticks(missed: &LitStr, errors: &mut Errors) -> Option<Missed> {
    match missed.value().as_str() {
        "skip" => Some(Missed::Skip),
        "once" => Some(Missed::Once),
        text => match humantime::parse_duration(text) {
            Ok(horizon) if !horizon.is_zero() => Some(Missed::Fill(horizon)),
            _ => {
                let message =
                    "expected `\"skip\"`, `\"once\"`, or how far back missed runs are made up for, such as `\"2h\"`";
                errors.add(missed, message);
                None
            }
        },
    }
}

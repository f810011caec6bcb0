//! The rules for flow control, and what is left of the options when they are kept.

use std::time::Duration;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{ExprArray, LitStr, Path};

use super::args::{ConflictArg, FlowArgs, KeyArg, SameArg, SameRule, SharedArg};
use crate::diag::{Errors, nearest};
use crate::job::parameter::Parameter;
use crate::value::{Rated, Timed};

/// The states of a job, in the order of the library's `JobState`.
const STATES: [&str; 8] = ["waiting", "scheduled", "ready", "running", "completed", "cancelled", "discarded", "dead"];

/// What the job shares with others; nothing by default.
#[derive(Default)]
pub(in crate::job) struct FlowModel {
    pub(super) same: Option<SameModel>,
    pub(super) concurrency: Option<(u32, KeyModel)>,
    pub(super) rate: Option<(Rated, KeyModel)>,
    pub(super) ordered: Option<KeyModel>,
}

pub(super) struct SameModel {
    pub(super) by: KeyModel,
    pub(super) rule: RuleModel,
}

pub(super) enum RuleModel {
    Unique { window: Option<Duration>, states: Option<Vec<&'static str>>, on_conflict: Option<ConflictArg> },
    Debounce { wait: Duration, at_most: Option<Duration> },
    Throttle { per: Duration },
}

/// A key: a scope, and values that tell the keys of one scope apart.
pub(super) struct KeyModel {
    /// `None` is the job's own name.
    pub(super) group: Option<LitStr>,
    pub(super) made_of: MadeOf,
}

pub(super) enum MadeOf {
    /// One key for the whole scope.
    Nothing,
    /// All arguments.
    Job,
    Arguments(Vec<Ident>),
    Function(Path),
}

impl FlowModel {
    /// `encrypted` is whether the arguments are.
    pub(in crate::job) fn new(args: &FlowArgs, parameters: &[Parameter], encrypted: bool, errors: &mut Errors) -> Self {
        let mut rules = Rules { parameters, errors };
        for same in args.same.iter().skip(1) {
            let message = "at most one of `unique`, `debounce` and `throttle`: each says which jobs count as the same";
            rules.errors.add(&same.at, message);
        }
        if let Some((at, _)) = args.key.as_ref().filter(|_| args.concurrency.is_none() && args.rate.is_none()) {
            let message = "`key` is what `concurrency` and `rate` are counted by: add one of them, or leave it away";
            rules.errors.add(at, message);
        }
        let of_both = args.key.as_ref().map(|(_, key)| key);
        let (concurrency, rate) = (args.concurrency.as_ref(), args.rate.as_ref());
        Self {
            same: args.same.first().map(|same| rules.same(same, encrypted)),
            concurrency: concurrency.map(|(count, shared)| (*count, rules.key(shared, of_both))),
            rate: rate.map(|(rate, shared)| (*rate, rules.key(shared, of_both))),
            ordered: args.ordered.as_ref().map(|shared| rules.key(shared, None)),
        }
    }

    /// Whether there is nothing to generate.
    pub(in crate::job) fn is_empty(&self) -> bool {
        self.same.is_none() && self.concurrency.is_none() && self.rate.is_none() && self.ordered.is_none()
    }

    /// Each key with the option that it is of.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, &KeyModel)> {
        let same = self.same.as_ref().map(|same| (same.rule.option(), &same.by));
        let concurrency = self.concurrency.as_ref().map(|(_, key)| ("concurrency", key));
        let rate = self.rate.as_ref().map(|(_, key)| ("rate", key));
        let ordered = self.ordered.as_ref().map(|key| ("ordered", key));
        [same, concurrency, rate, ordered].into_iter().flatten()
    }

    /// What each dispatch is held up by.
    pub(in crate::job) fn delay(&self) -> Option<Duration> {
        match self.same.as_ref()?.rule {
            RuleModel::Debounce { wait, .. } => Some(wait),
            RuleModel::Unique { .. } | RuleModel::Throttle { .. } => None,
        }
    }
}

impl RuleModel {
    fn option(&self) -> &'static str {
        match self {
            Self::Unique { .. } => "unique",
            Self::Debounce { .. } => "debounce",
            Self::Throttle { .. } => "throttle",
        }
    }
}

struct Rules<'a> {
    parameters: &'a [Parameter],
    errors: &'a mut Errors,
}

impl Rules<'_> {
    fn same(&mut self, same: &SameArg, encrypted: bool) -> SameModel {
        if encrypted && same.by.is_none() {
            let message = "a key is stored as it is, and all arguments of this job are to be encrypted: name those that \
                           are no secret, such as `by = account_id`";
            self.errors.add(&same.at, message);
        }
        let made_of = match &same.by {
            Some(by) => self.made_of(by),
            None if self.parameters.iter().any(Parameter::is_argument) => MadeOf::Job,
            None => MadeOf::Nothing,
        };
        let nothing = |time: &Timed, errors: &mut Errors, why: &str| {
            if time.value.is_zero() {
                errors.add(time, why);
            }
            time.value
        };
        let errors = &mut *self.errors;
        let rule = match &same.rule {
            SameRule::Unique { window, states, on_conflict } => RuleModel::Unique {
                window: window.as_ref().map(|window| {
                    nothing(window, errors, "in a window of nothing no other job is dispatched: leave it away for none")
                }),
                states: states.as_ref().and_then(|(list, states)| checked_states(list, states, errors)),
                on_conflict: *on_conflict,
            },
            SameRule::Debounce { wait, at_most } => {
                nothing(wait, errors, "a wait of nothing lets every job through: leave `debounce` away");
                if let Some(at_most) = at_most.as_ref().filter(|at_most| at_most.value < wait.value) {
                    errors.add(at_most, "the longest wait is shorter than the wait itself");
                }
                RuleModel::Debounce { wait: wait.value, at_most: at_most.map(|at_most| at_most.value) }
            }
            SameRule::Throttle { per } => RuleModel::Throttle {
                per: nothing(per, errors, "a time of nothing lets every job through: leave `throttle` away"),
            },
        };
        SameModel { by: KeyModel { group: None, made_of }, rule }
    }

    fn key(&mut self, shared: &SharedArg, otherwise: Option<&KeyArg>) -> KeyModel {
        let key = shared.key.as_ref().or(otherwise);
        KeyModel { group: shared.group.clone(), made_of: key.map_or(MadeOf::Nothing, |key| self.made_of(key)) }
    }

    fn made_of(&mut self, key: &KeyArg) -> MadeOf {
        match key {
            KeyArg::One(path) => match path.get_ident().filter(|name| self.parameter(name).is_some()) {
                Some(name) => {
                    self.check_argument(name);
                    MadeOf::Arguments(vec![name.clone()])
                }
                None => MadeOf::Function(path.clone()),
            },
            KeyArg::Several(names) => {
                for name in names {
                    self.check_argument(name);
                }
                MadeOf::Arguments(names.clone())
            }
        }
    }

    fn parameter(&self, name: &Ident) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == *name)
    }

    fn check_argument(&mut self, name: &Ident) {
        match self.parameter(name) {
            Some(parameter) if parameter.is_argument() => {}
            Some(_) => {
                let why = "it is injected when the job runs, and a key is made when it is dispatched";
                self.errors.add(name, format_args!("`{name}` can't be a part of a key: {why}"));
            }
            None => {
                let arguments = self.parameters.iter().filter(|parameter| parameter.is_argument());
                let names: Vec<_> = arguments.map(|argument| argument.name.to_string()).collect();
                let guess = nearest(&name.to_string(), names.iter().map(String::as_str));
                let guess = guess.map_or_else(String::new, |guess| format!(", did you mean `{guess}`?"));
                self.errors.add(name, format_args!("the job has no argument `{name}`{guess}"));
            }
        }
    }
}

/// The states of the list, if no job can come back to one of them after it has left them.
fn checked_states(list: &ExprArray, states: &[Ident], errors: &mut Errors) -> Option<Vec<&'static str>> {
    let mut known = Vec::new();
    for state in states {
        let word = state.to_string();
        match STATES.iter().find(|name| **name == word) {
            Some(name) if known.contains(name) => errors.add(state, format_args!("`{word}` is given twice")),
            Some(name) => known.push(name),
            None => {
                let guess = nearest(&word, STATES).map_or_else(String::new, |name| format!(", did you mean `{name}`?"));
                let all = STATES.map(|name| format!("`{name}`")).join(", ");
                errors.add(state, format_args!("`{word}` is no state of a job{guess}\nthe states are {all}"));
            }
        }
    }
    if known.len() < states.len() {
        return None;
    }
    if let Some(why) = gap(&known) {
        errors.add(list.to_token_stream(), why);
        return None;
    }
    Some(known)
}

/// Why a job that is unique in these states could lose its key and want it back.
fn gap(states: &[&str]) -> Option<String> {
    let has = |state: &str| states.contains(&state);
    let missing: Vec<_> = STATES[..4].iter().filter(|state| !has(state)).collect();
    let starts_at_the_end = missing == [&"running"] && !STATES[4..].iter().any(|state| has(state));
    if missing.is_empty() || starts_at_the_end {
        return None;
    }
    let where_to = "name all of waiting, scheduled, ready, running, or only the first three";
    let another = "another job can have it by the time this one is tried again";
    let first = missing[0];
    Some(if has("running") && !has("scheduled") {
        format!("between running and scheduled for a retry the key would be free: {another}; {where_to}")
    } else if *first == "running" {
        format!(
            "while it is running the key would be free: another job can have it by the time this one ends; {where_to}"
        )
    } else {
        format!("while it is {first} the key would be free: every job can come there before it runs; {where_to}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_list_with_a_gap_says_where_the_gap_is() {
        for whole in [
            &["waiting", "scheduled", "ready"][..],
            &["running", "ready", "waiting", "scheduled"],
            &["waiting", "scheduled", "ready", "running", "completed"],
            &STATES,
        ] {
            assert_eq!(gap(whole), None, "{whole:?}");
        }
        for (states, why) in [
            (&[][..], "while it is waiting"),
            (&["ready", "running"], "between running and scheduled"),
            (&["waiting", "ready"], "while it is scheduled"),
            (&["scheduled", "ready", "running"], "while it is waiting"),
            (&["waiting", "scheduled", "ready", "completed"], "while it is running"),
        ] {
            let found = gap(states).unwrap();
            assert!(found.starts_with(why), "{states:?}: {found}");
        }
    }
}

//! The options of flow control as they were written: syntax only.

use proc_macro2::Ident;
use syn::{Expr, ExprArray, LitStr, Path};

use crate::diag::{Errors, error};
use crate::keys::{Key, Table, Written};
use crate::value::{self, Rated, Timed};

const UNIQUE: Table = Table {
    owner: "unique(..)",
    keys: &[
        ("by", "[to, subject]"),
        ("window", "\"1h\""),
        ("states", "[waiting, scheduled, ready, running]"),
        ("on_conflict", "replace(args)"),
    ],
    bare: &[],
    lists: &[],
    hints: &[
        ("key", "`key` is not an option of `unique(..)`: write `by = to`"),
        ("period", "`period` is not an option of `unique(..)`: write `window = \"1h\"`"),
    ],
};

const DEBOUNCE: Table = Table {
    owner: "debounce(..)",
    keys: &[("by", "[to]"), ("at_most", "\"1m\"")],
    bare: &[],
    lists: &[],
    hints: &[("key", "`key` is not an option of `debounce(..)`: write `by = to`")],
};

const THROTTLE: Table = Table {
    owner: "throttle(..)",
    keys: &[("by", "[to]")],
    bare: &[],
    lists: &[],
    hints: &[("key", "`key` is not an option of `throttle(..)`: write `by = to`")],
};

const CONCURRENCY: Table = keyed("concurrency(..)");
const RATE: Table = keyed("rate(..)");
const ORDERED: Table = keyed("ordered(..)");

const fn keyed(owner: &'static str) -> Table {
    Table { owner, keys: &[("key", "account_id"), ("group", "\"stripe\"")], bare: &[], lists: &[], hints: &[] }
}

/// What a key is made of.
pub(crate) enum KeyArg {
    /// A parameter's name, or a function of the job.
    One(Path),
    /// Parameters' names.
    Several(Vec<Ident>),
}

/// Which other jobs count as the same; under the name of the option.
pub(crate) struct SameArg {
    pub(super) at: Ident,
    /// `None` is by all arguments.
    pub(super) by: Option<KeyArg>,
    pub(super) rule: SameRule,
}

pub(crate) enum SameRule {
    Unique { window: Option<Timed>, states: Option<(ExprArray, Vec<Ident>)>, on_conflict: Option<ConflictArg> },
    Debounce { wait: Timed, at_most: Option<Timed> },
    Throttle { per: Timed },
}

#[derive(Clone, Copy)]
pub(crate) enum ConflictArg {
    Skip,
    Replace { args: bool, schedule: bool },
    Error,
}

/// What is counted together.
#[derive(Default)]
pub(crate) struct SharedArg {
    pub(super) key: Option<KeyArg>,
    pub(super) group: Option<LitStr>,
}

#[derive(Default)]
pub(crate) struct FlowArgs {
    pub(super) same: Vec<SameArg>,
    pub(super) concurrency: Option<(u32, SharedArg)>,
    pub(super) rate: Option<(Rated, SharedArg)>,
    /// The key of both where they name none, under the name of the option.
    pub(super) key: Option<(Ident, KeyArg)>,
    pub(super) ordered: Option<SharedArg>,
}

impl FlowArgs {
    /// Takes one of the options `unique`, `debounce`, `throttle`, `concurrency`, `rate`, `key` and `ordered`.
    pub(in crate::job) fn take(&mut self, key: &Key, errors: &mut Errors) -> syn::Result<()> {
        match key.name.to_string().as_str() {
            "unique" => self.same.push(unique(key, errors)?),
            "debounce" => self.same.push(debounce(key, errors)?),
            "throttle" => self.same.push(throttle(key, errors)?),
            "concurrency" => {
                let (count, options) = first(key, &CONCURRENCY, "concurrency(2, key = account_id)", errors)?;
                let shared = shared(&options, errors);
                self.concurrency = Some((count.integer(1, u32::MAX.into())?, shared));
            }
            "rate" => {
                let (rate, options) = first(key, &RATE, "rate(\"100/1m\", key = account_id)", errors)?;
                let shared = shared(&options, errors);
                self.rate = Some((rate.rate()?, shared));
            }
            "key" => self.key = Some((key.name.clone(), made_of(key)?)),
            "ordered" => self.ordered = Some(ordered(key, errors)?),
            other => unreachable!("`{other}` is no option of flow control"),
        }
        Ok(())
    }
}

fn unique(key: &Key, errors: &mut Errors) -> syn::Result<SameArg> {
    let (mut by, mut window, mut states, mut on_conflict) = (None, None, None, None);
    match &key.written {
        Written::Nothing => {}
        Written::Value(_) => by = Some(made_of(key)?),
        Written::List(list) => {
            for option in UNIQUE.read(list.clone(), errors) {
                match option.name.to_string().as_str() {
                    "by" => by = errors.keep(made_of(&option)),
                    "window" => window = errors.keep(option.duration()),
                    "states" => states = errors.keep(words(&option)),
                    _ => on_conflict = errors.keep(conflict(&option)),
                }
            }
        }
    }
    Ok(SameArg { at: key.name.clone(), by, rule: SameRule::Unique { window, states, on_conflict } })
}

fn debounce(key: &Key, errors: &mut Errors) -> syn::Result<SameArg> {
    let (wait, options) = first(key, &DEBOUNCE, "debounce(\"5s\", by = [to])", errors)?;
    let (mut by, mut at_most) = (None, None);
    for option in options {
        match option.name.to_string().as_str() {
            "by" => by = errors.keep(made_of(&option)),
            _ => at_most = errors.keep(option.duration()),
        }
    }
    Ok(SameArg { at: key.name.clone(), by, rule: SameRule::Debounce { wait: wait.duration()?, at_most } })
}

fn throttle(key: &Key, errors: &mut Errors) -> syn::Result<SameArg> {
    let (per, options) = first(key, &THROTTLE, "throttle(\"1m\", by = [to])", errors)?;
    let by = options.first().and_then(|option| errors.keep(made_of(option)));
    Ok(SameArg { at: key.name.clone(), by, rule: SameRule::Throttle { per: per.duration()? } })
}

fn ordered(key: &Key, errors: &mut Errors) -> syn::Result<SharedArg> {
    match &key.written {
        Written::Nothing => Ok(SharedArg::default()),
        Written::Value(_) => Ok(SharedArg { key: Some(made_of(key)?), group: None }),
        Written::List(list) => {
            let options = ORDERED.read(list.clone(), errors);
            Ok(shared(&options, errors))
        }
    }
}

/// The value of a key, be it by itself or the first in parentheses, and the options after it.
fn first(key: &Key, table: &Table, example: &'static str, errors: &mut Errors) -> syn::Result<(Key, Vec<Key>)> {
    let Written::List(list) = &key.written else {
        let value = Written::Value(key.value()?.clone());
        return Ok((Key { name: key.name.clone(), written: value, example: key.example }, Vec::new()));
    };
    let (value, options) = table.read_after_value(list.clone(), errors);
    let missing = || error(&key.name, format_args!("`{}` needs a value first: `{example}`", key.name));
    let written = Written::Value(value.ok_or_else(missing)?);
    Ok((Key { name: key.name.clone(), written, example: key.example }, options))
}

fn shared(options: &[Key], errors: &mut Errors) -> SharedArg {
    let mut shared = SharedArg::default();
    for option in options {
        match option.name.to_string().as_str() {
            "key" => shared.key = errors.keep(made_of(option)),
            _ => shared.group = errors.keep(option.string()),
        }
    }
    if let Some(group) = shared.group.as_ref().filter(|group| group.value().is_empty()) {
        errors.add(group, "a group's name can't be empty");
    }
    shared
}

/// What a key is made of: a parameter, a list of them, or a function.
fn made_of(key: &Key) -> syn::Result<KeyArg> {
    let value = key.value()?;
    if let Some(path) = value::path(value) {
        return Ok(KeyArg::One(path));
    }
    let message = "expected a parameter, a list of parameters, or the path of a function of the job";
    match value {
        Expr::Array(list) if list.elems.is_empty() => Err(error(list, "expected at least one parameter in the list")),
        Expr::Array(_) => words(key).map(|(_, names)| KeyArg::Several(names)),
        value if value::string(value).is_some() => Err(key.expected("a parameter without quotes")),
        _ => Err(key.expected(message)),
    }
}

/// A list of plain words.
fn words(key: &Key) -> syn::Result<(ExprArray, Vec<Ident>)> {
    let Expr::Array(list) = key.value()? else { return Err(key.expected("a list")) };
    let words = list.elems.iter().map(|word| {
        let name = value::path(word).and_then(|path| path.get_ident().cloned());
        name.ok_or_else(|| error(word, format_args!("expected a plain name, as in `{} = {}`", key.name, key.example)))
    });
    Ok((list.clone(), words.collect::<syn::Result<_>>()?))
}

fn conflict(key: &Key) -> syn::Result<ConflictArg> {
    let unknown = || key.expected("`skip`, `replace`, `replace(args)`, `replace(schedule)` or `error`");
    let value = key.value()?;
    if let Expr::Call(call) = value {
        let path = value::path(&call.func).filter(|path| path.is_ident("replace"));
        let words = call.args.iter().map(value::path).collect::<Option<Vec<_>>>();
        let (_, words) = path.zip(words).ok_or_else(unknown)?;
        let has = |word: &str| words.iter().any(|path| path.is_ident(word));
        let known = words.iter().all(|path| path.is_ident("args") || path.is_ident("schedule"));
        let (args, schedule) = (has("args"), has("schedule"));
        return if known && !words.is_empty() { Ok(ConflictArg::Replace { args, schedule }) } else { Err(unknown()) };
    }
    let path = value::path(value).ok_or_else(unknown)?;
    match path.get_ident().map(Ident::to_string).as_deref() {
        Some("skip") => Ok(ConflictArg::Skip),
        Some("replace") => Ok(ConflictArg::Replace { args: true, schedule: true }),
        Some("error") => Ok(ConflictArg::Error),
        _ => Err(unknown()),
    }
}

//! How `chain!` writes down a step: which argument takes the previous output, and what the others are.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::job::{Job, NewJob};

/// One step of a chain that takes an `In`, before it is known what comes before it.
pub struct Step<In, J> {
    pub(super) job: Result<NewJob>,
    pub(super) slot: &'static str,
    marker: PhantomData<fn(In) -> J>,
}

impl<J: Job> Step<<J::Params as Single>::Only, J>
where
    J::Params: Single,
{
    /// A step whose only argument is the previous output.
    pub(super) fn bare() -> Self {
        Self { job: unfilled::<J>("{}".to_owned()), slot: J::FIELDS[0], marker: PhantomData }
    }
}

/// A step of job `J` whose argument number `I` is the previous output.
pub fn holed<J, const I: usize, A>(args: A) -> Step<<J::Params as Nth<I>>::Type, J>
where
    J: Job<Params: Nth<I>>,
    A: HoledArgs<J::Params>,
{
    let args = args.to_json(J::FIELDS);
    let what = "can't write the arguments";
    let args = args.map_err(|source| Error::Json { what, job: J::NAME.to_owned(), source });
    Step { job: args.and_then(unfilled::<J>), slot: J::FIELDS[I], marker: PhantomData }
}

/// A job whose arguments lack the previous output.
fn unfilled<J: Job>(args: String) -> Result<NewJob> {
    let flow = J::flow_unfilled().map_err(|why| Error::Unfilled { job: J::NAME.to_owned(), why })?;
    Ok(NewJob { flow, ..NewJob::of::<J>(args) })
}

impl<In, J: Job> fmt::Debug for Step<In, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({} takes its `{}`)", J::NAME, self.slot)
    }
}

/// An output that the next step can take: one of the very same type.
#[diagnostic::on_unimplemented(
    message = "this step takes `{T}`, but the step before it returns `{Self}`",
    label = "takes `{T}`",
    note = "the output of one step of a chain is the input of the next"
)]
pub trait Feeds<T> {}

impl<T> Feeds<T> for T {}

/// The parameters of a job that takes exactly one argument.
#[diagnostic::on_unimplemented(
    message = "a bare step is given exactly one argument, the output of the step before it, but this job takes `{Self}`",
    label = "write its arguments, with `_` in the place of that output: `{Self}`"
)]
pub trait Single {
    /// The one.
    type Only;
}

impl<T> Single for (T,) {
    type Only = T;
}

/// The type of parameter number `I`.
#[diagnostic::on_unimplemented(message = "this job takes `{Self}`, which has no argument number {I} (from 0)")]
pub trait Nth<const I: usize> {
    /// Its type.
    type Type;
}

/// The place of the previous output among the arguments of a step.
#[derive(Clone, Copy, Debug)]
pub struct Hole;

/// An argument of a step that is known now.
#[derive(Clone, Copy, Debug)]
pub struct Value<T>(pub T);

/// What can stand in the place of a `T` among the arguments of a step.
#[diagnostic::on_unimplemented(message = "expected an argument of type `{T}`", label = "expected `{T}`")]
pub trait Slot<T> {
    /// Its JSON; nothing for a hole.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    fn to_json(&self) -> Option<serde_json::Result<String>>;
}

impl<T> Slot<T> for Hole {
    fn to_json(&self) -> Option<serde_json::Result<String>> {
        None
    }
}

impl<T: Serialize> Slot<T> for Value<T> {
    fn to_json(&self) -> Option<serde_json::Result<String>> {
        Some(serde_json::to_string(&self.0))
    }
}

impl Slot<String> for Value<&str> {
    fn to_json(&self) -> Option<serde_json::Result<String>> {
        Some(serde_json::to_string(self.0))
    }
}

/// The arguments of a step, a [`Hole`] among them, in the place of the parameters `P`.
#[diagnostic::on_unimplemented(message = "this job takes `{P}`", label = "expected arguments for `{P}`")]
pub trait HoledArgs<P> {
    /// The arguments but for the hole, as a JSON object by these keys.
    ///
    /// # Errors
    /// When one of them can't be written as JSON.
    fn to_json(&self, fields: &[&str]) -> serde_json::Result<String>;
}

/// `{"key":value,…}` of the values that are there.
fn object(fields: &[&str], values: Vec<Option<serde_json::Result<String>>>) -> serde_json::Result<String> {
    let mut members = Vec::new();
    for (field, value) in fields.iter().zip(values) {
        if let Some(value) = value {
            members.push(format!("{}:{}", serde_json::to_string(field)?, value?));
        }
    }
    Ok(format!("{{{}}}", members.join(",")))
}

macro_rules! nth {
    (one $tuple:ty, [$($generics:ident)*], $index:literal $type:ident) => {
        impl<$($generics),*> Nth<$index> for $tuple {
            type Type = $type;
        }
    };
    ($tuple:ty, $generics:tt, $($index:literal $type:ident)*) => {
        $(nth!(one $tuple, $generics, $index $type);)*
    };
}

macro_rules! arguments {
    ($($index:tt $param:ident $slot:ident)*) => {
        nth!(($($param,)*), [$($param)*], $($index $param)*);

        impl<$($param,)* $($slot: Slot<$param>),*> HoledArgs<($($param,)*)> for ($($slot,)*) {
            fn to_json(&self, fields: &[&str]) -> serde_json::Result<String> {
                object(fields, vec![$(self.$index.to_json()),*])
            }
        }
    };
}

arguments!(0 P0 A0);
arguments!(0 P0 A0 1 P1 A1);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6 7 P7 A7);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6 7 P7 A7 8 P8 A8);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6 7 P7 A7 8 P8 A8 9 P9 A9);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6 7 P7 A7 8 P8 A8 9 P9 A9 10 P10 A10);
arguments!(0 P0 A0 1 P1 A1 2 P2 A2 3 P3 A3 4 P4 A4 5 P5 A5 6 P6 A6 7 P7 A7 8 P8 A8 9 P9 A9 10 P10 A10 11 P11 A11);

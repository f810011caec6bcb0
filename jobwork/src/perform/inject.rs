use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{CancelSignal, JobContext};
use crate::job::JobError;

/// A parameter that a job is given instead of having it stored.
///
/// `CancelSignal`, `JobContext` and `State<T>` are known to `#[job]` by their names; a type of your own that implements
/// this trait is marked `#[inject]`.
///
/// ```
/// use jobwork::{Inject, JobContext, JobError};
///
/// struct Tenant(String);
///
/// impl Inject for Tenant {
///     fn inject(job: &JobContext) -> Result<Self, JobError> {
///         let tag = job.tags().iter().find_map(|tag| tag.strip_prefix("tenant:"));
///         tag.map(|name| Self(name.to_owned())).ok_or_else(|| JobError::dead("dispatched without a tenant tag"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be injected into a job",
    label = "expected `CancelSignal`, `JobContext`, `State<T>`, or a type that implements `jobwork::Inject`"
)]
pub trait Inject: Sized + Send {
    /// Makes the value for one attempt.
    ///
    /// # Errors
    /// An error fails the attempt as if the job had returned it.
    fn inject(job: &JobContext) -> Result<Self, JobError>;

    /// The type that the app must have been given for this to work, where it was not; asked once, at start.
    #[must_use]
    fn missing(states: &States) -> Option<&'static str> {
        let _ = states;
        None
    }
}

impl Inject for CancelSignal {
    fn inject(job: &JobContext) -> Result<Self, JobError> {
        Ok(job.cancel_signal())
    }
}

impl Inject for JobContext {
    fn inject(job: &JobContext) -> Result<Self, JobError> {
        Ok(job.clone())
    }
}

/// Application state, given to the app once with [`App::state`](crate::App::state) and shared by all jobs.
pub struct State<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> Inject for State<T> {
    fn inject(job: &JobContext) -> Result<Self, JobError> {
        let state = job.state::<T>().map(Self);
        state.ok_or_else(|| JobError::new(format!("the app has no state of type `{}`", type_name::<T>())))
    }

    fn missing(states: &States) -> Option<&'static str> {
        states.get::<T>().is_none().then(type_name::<T>)
    }
}

impl<T> State<T> {
    /// Wraps a value, for calling a job's function by itself.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.0).finish()
    }
}

/// The states an app was given, one of each type.
#[derive(Clone, Default)]
pub struct States(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl States {
    /// The state of this type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let state = self.0.get(&TypeId::of::<T>())?;
        Arc::clone(state).downcast().ok()
    }

    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, state: T) {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(state));
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({})", self.0.len())
    }
}

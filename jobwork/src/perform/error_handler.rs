use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use jiff::Timestamp;

use super::JobContext;
use crate::job::{DeadReason, JobError};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A job whose attempt has just failed, as an error handler sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedJob {
    /// The job and the attempt.
    pub job: JobContext,
    /// What becomes of it.
    pub next: WhatNext,
}

/// What becomes of a job whose attempt has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhatNext {
    /// It runs again at this time.
    Retry(Timestamp),
    /// It is dead.
    Dead(DeadReason),
}

impl FailedJob {
    pub(crate) fn new(job: JobContext, next: WhatNext) -> Self {
        Self { job, next }
    }

    /// Whether no attempt is left.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.next, WhatNext::Dead(_))
    }
}

/// Called when an attempt has failed; what it does never changes the job's outcome.
pub trait ErrorHandler: Send + Sync + 'static {
    /// Takes note of a failure. The message of an error it returns is logged.
    fn handle(&self, failed: FailedJob, error: JobError) -> BoxFuture<Result<(), String>>;
}

/// What can be made an [`ErrorHandler`]: a function or closure of [`FailedJob`] and [`JobError`], sync or async, that
/// returns nothing or a `Result<(), E>`.
///
/// `Marker` tells the sync from the async ones, and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error handler",
    label = "expected a function, sync or async, of `(FailedJob, JobError)` that returns `()` or `Result<(), E>`"
)]
pub trait IntoErrorHandler<Marker> {
    /// The handler.
    fn into_error_handler(self) -> std::sync::Arc<dyn ErrorHandler>;
}

/// What an error handler may return.
pub trait HandlerOutput: Send {
    /// The message of an error.
    ///
    /// # Errors
    /// What the handler returned as its error.
    fn into_message(self) -> Result<(), String>;
}

impl HandlerOutput for () {
    fn into_message(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>> + Send> HandlerOutput for Result<(), E> {
    fn into_message(self) -> Result<(), String> {
        self.map_err(|error| error.into().to_string())
    }
}

struct FromFn<F, Marker>(F, PhantomData<fn() -> Marker>);

/// Marks a sync handler.
#[derive(Debug)]
pub struct SyncFn<R>(PhantomData<R>);

/// Marks an async handler.
#[derive(Debug)]
pub struct AsyncFn<R>(PhantomData<R>);

#[diagnostic::do_not_recommend]
impl<F, R> IntoErrorHandler<SyncFn<R>> for F
where
    F: Fn(FailedJob, JobError) -> R + Send + Sync + 'static,
    R: HandlerOutput + 'static,
{
    fn into_error_handler(self) -> std::sync::Arc<dyn ErrorHandler> {
        std::sync::Arc::new(FromFn::<F, SyncFn<R>>(self, PhantomData))
    }
}

#[diagnostic::do_not_recommend]
impl<F, Fut> IntoErrorHandler<AsyncFn<Fut>> for F
where
    F: Fn(FailedJob, JobError) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: HandlerOutput> + Send + 'static,
{
    fn into_error_handler(self) -> std::sync::Arc<dyn ErrorHandler> {
        std::sync::Arc::new(FromFn::<F, AsyncFn<Fut>>(self, PhantomData))
    }
}

impl<F, R> ErrorHandler for FromFn<F, SyncFn<R>>
where
    F: Fn(FailedJob, JobError) -> R + Send + Sync + 'static,
    R: HandlerOutput + 'static,
{
    fn handle(&self, failed: FailedJob, error: JobError) -> BoxFuture<Result<(), String>> {
        let result = (self.0)(failed, error).into_message();
        Box::pin(std::future::ready(result))
    }
}

impl<F, Fut> ErrorHandler for FromFn<F, AsyncFn<Fut>>
where
    F: Fn(FailedJob, JobError) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: HandlerOutput> + Send + 'static,
{
    fn handle(&self, failed: FailedJob, error: JobError) -> BoxFuture<Result<(), String>> {
        let future = (self.0)(failed, error);
        Box::pin(async move { future.await.into_message() })
    }
}

impl fmt::Debug for dyn ErrorHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorHandler")
    }
}

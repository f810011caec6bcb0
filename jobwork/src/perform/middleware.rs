use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::JobContext;
use super::panic::CatchPanic;
use crate::job::JobError;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What performing a job came to, as middleware sees it.
pub type JobResult = Result<Output, JobError>;

/// What a job returned, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output(String);

impl Output {
    pub(crate) fn new(json: String) -> Self {
        Self(json)
    }

    /// The output as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_json(self) -> String {
        self.0
    }
}

/// Surrounds jobs: sees the job before it runs and its result after, and may change either or fail it.
///
/// An async function or closure of the job and what comes next is one:
///
/// ```
/// use jobwork::{JobContext, JobResult, Next};
///
/// async fn measure(job: JobContext, next: Next) -> JobResult {
///     let begun = std::time::Instant::now();
///     let result = next.run(job.clone()).await;
///     println!("{} took {:?}", job.name(), begun.elapsed());
///     result
/// }
/// ```
///
/// The first one named is the outermost; those of the app surround those of the job. One that fails or panics fails the
/// attempt as the job itself would, and the failure names it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not middleware",
    label = "expected `async fn(JobContext, Next) -> JobResult`, or a value whose type implements `Middleware`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Performs `job`, most often by way of `next.run(job)`.
    fn handle(&self, job: JobContext, next: Next) -> BoxFuture<JobResult>;

    /// The name under which a failure of the middleware is recorded: its type's or function's, by default.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }
}

#[diagnostic::do_not_recommend]
impl<F, Fut> Middleware for F
where
    F: Fn(JobContext, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = JobResult> + Send + 'static,
{
    fn handle(&self, job: JobContext, next: Next) -> BoxFuture<JobResult> {
        Box::pin(self(job, next))
    }
}

/// The rest of the way to the job: more middleware, then the job itself.
pub struct Next {
    chain: Arc<Chain>,
    layer: usize,
}

/// Everything that surrounds one kind of job, and the job in the middle.
pub(crate) struct Chain {
    layers: Vec<Arc<dyn Middleware>>,
    job: fn(JobContext) -> BoxFuture<JobResult>,
}

impl Chain {
    pub(crate) fn new(layers: Vec<Arc<dyn Middleware>>, job: fn(JobContext) -> BoxFuture<JobResult>) -> Self {
        Self { layers, job }
    }

    pub(crate) fn run(self: Arc<Self>, job: JobContext) -> CatchPanic {
        Next { chain: self, layer: 0 }.enter(job)
    }
}

impl Next {
    /// Performs the job, with whatever middleware is left round it.
    ///
    /// # Cancel safety
    /// Dropping the future drops the job's own future: it ends at the `await` it has reached.
    #[must_use = "the job runs when this is awaited"]
    pub fn run(self, job: JobContext) -> BoxFuture<JobResult> {
        Box::pin(self.enter(job))
    }

    /// Each layer's panic is caught at its own door, so that what surrounds it sees a failure like any other.
    fn enter(self, job: JobContext) -> CatchPanic {
        let Self { chain, layer } = self;
        let Some(middleware) = chain.layers.get(layer).cloned() else {
            return CatchPanic::new((chain.job)(job), "");
        };
        let name = middleware.name();
        let next = Self { chain, layer: layer + 1 };
        CatchPanic::new(Box::pin(async move { middleware.handle(job, next).await }), name)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Next({} more)", self.chain.layers.len().saturating_sub(self.layer))
    }
}

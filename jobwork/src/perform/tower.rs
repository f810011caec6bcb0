use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::{JobContext, JobResult, Middleware, Next, Output};
use crate::job::JobError;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Middleware made of a `tower::Layer` over services of [`JobContext`].
///
/// The layer is applied anew for each attempt, so what it should remember between jobs (a rate limit's state, say) must be shared by its
/// clones.
#[derive(Clone, Debug)]
pub struct TowerLayer<L>(L);

impl<L> TowerLayer<L> {
    /// The layer as middleware.
    pub const fn new(layer: L) -> Self {
        Self(layer)
    }
}

/// What a `tower::Layer` is laid round: the rest of the way to the job. It serves one call.
pub struct NextService(Option<Next>);

impl<L, S> Middleware for TowerLayer<L>
where
    L: Layer<NextService, Service = S> + Send + Sync + 'static,
    S: Service<JobContext, Response = Output> + Send + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    fn handle(&self, job: JobContext, next: Next) -> BoxFuture<JobResult> {
        let mut service = self.0.layer(NextService(Some(next)));
        Box::pin(async move {
            let failed = |error: S::Error| JobError::from_boxed(error.into());
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed)?;
            service.call(job).await.map_err(failed)
        })
    }

    fn name(&self) -> &'static str {
        std::any::type_name::<L>()
    }
}

impl Service<JobContext> for NextService {
    type Response = Output;
    type Error = JobError;
    type Future = BoxFuture<JobResult>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), JobError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: JobContext) -> Self::Future {
        match self.0.take() {
            Some(next) => next.run(job),
            None => Box::pin(async { Err(JobError::dead("a tower layer called the job twice in one attempt")) }),
        }
    }
}

impl fmt::Debug for NextService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextService")
    }
}

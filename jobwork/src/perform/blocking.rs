use super::JobReturn;
use super::panic::catch;
use crate::client::current;
use crate::job::JobError;

/// Runs a blocking job's function on a thread that may block, with the job's own client at hand.
///
/// # Errors
/// What the function returned.
pub async fn blocking<R>(function: impl FnOnce() -> R + Send + 'static) -> Result<R::Output, JobError>
where
    R: JobReturn + Send + 'static,
{
    let jobs = current::get();
    let span = tracing::Span::current();
    let call = move || catch(|| span.in_scope(|| current::with(jobs, function)));
    match tokio::task::spawn_blocking(call).await {
        Ok(returned) => returned?.into_result(),
        Err(_) => Err(JobError::new("the runtime stopped before the job could run")),
    }
}

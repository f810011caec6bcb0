use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::drop_safely::drop_safely;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong in one attempt, or what the job wants instead of a retry.
///
/// Any error converts into it through `?`. The five verdicts are made by [`retry_after`](Self::retry_after),
/// [`snooze`](Self::snooze), [`rate_limited`](Self::rate_limited), [`discard`](Self::discard) and [`dead`](Self::dead); they keep their meaning inside
/// `anyhow::Error` and inside any error that names them as its source.
///
/// ```
/// use std::time::Duration;
/// use jobwork::{JobError, Verdict};
///
/// fn charge() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     Err(JobError::retry_after(Duration::from_secs(60)))?
/// }
/// let error = JobError::from_boxed(charge().unwrap_err());
/// assert_eq!(error.verdict(), Some(&Verdict::RetryAfter(Duration::from_secs(60))));
/// ```
#[derive(Clone)]
pub struct JobError(Arc<Inner>);

struct Inner {
    kind: FailureKind,
    message: String,
    detail: Option<String>,
    origin: OnceLock<String>,
    cause: Cause,
}

/// What lies under a [`JobError`]. It is a link of the error chain by itself, because wrappers such as
/// `anyhow::Error` hide the outermost error's type once boxed, but never the links below it.
struct Cause {
    verdict: Option<Verdict>,
    source: Source,
}

/// The user's own error, if there is one. Whoever drops it last, wherever that is, suffers nothing from a panic in its drop.
struct Source(Option<BoxError>);

impl Source {
    fn get(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        drop_safely(self.0.take());
    }
}

/// What a job wants instead of an ordinary retry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Failed; try again after this time, whatever the backoff says. Uses an attempt.
    RetryAfter(Duration),
    /// Not yet; run again after this time. Uses no attempt.
    Snooze(Duration),
    /// What it called takes no more for this time; run again after it, and give the other jobs of its rate keys no token
    /// before. Uses no attempt.
    RateLimited(Duration),
    /// Pointless by now: end it, without calling it a failure.
    Discard(String),
    /// Failed for good: keep it for somebody to look at.
    Dead(String),
}

/// The kinds of failure that are told apart in a job's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FailureKind {
    /// The job, or a middleware round it, returned an error.
    Error,
    /// It panicked.
    Panic,
    /// It took longer than its timeout.
    Timeout,
    /// Its stored arguments don't fit its parameters.
    Undecodable,
    /// It was told to stop and did.
    Cancelled,
    /// Its worker died while running it.
    Poison,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Undecodable => "undecodable",
            Self::Cancelled => "cancelled",
            Self::Poison => "poison",
        })
    }
}

/// The stored form of a [`JobError`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The error's message.
    pub message: String,
    /// Its causes, or the backtrace of a panic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The middleware it came from; `None` when it came from the job itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middleware: Option<String>,
}

impl JobError {
    /// An ordinary failure with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::build(FailureKind::Error, message.into(), None, None, None)
    }

    /// A failure of a kind of its own, with the detail that is kept beside the message.
    #[must_use]
    pub fn of_kind(kind: FailureKind, message: impl Into<String>, detail: Option<String>) -> Self {
        Self::build(kind, message.into(), detail, None, None)
    }

    /// Failed; try again after `wait`, whatever the backoff says. Uses an attempt.
    #[must_use]
    pub fn retry_after(wait: Duration) -> Self {
        Self::of_verdict(format!("asked to be retried after {wait:?}"), Verdict::RetryAfter(wait))
    }

    /// Not yet: run again after `wait`. Uses no attempt and records no error.
    #[must_use]
    pub fn snooze(wait: Duration) -> Self {
        Self::of_verdict(format!("asked to be run again after {wait:?}"), Verdict::Snooze(wait))
    }

    /// What the job called has a limit that is used up (an HTTP 429 with its `Retry-After`): run again after
    /// `retry_after`. Uses no attempt and records no error. The buckets of the job's rate limits are empty until then, so
    /// that the others of their keys are held too, in all processes; for a job without a rate limit it is a snooze.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::of_verdict(format!("rate limited for {retry_after:?}"), Verdict::RateLimited(retry_after))
    }

    /// Pointless by now: end the job without calling it a failure, and cancel the rest of its chain.
    #[must_use]
    pub fn discard(why: impl Into<String>) -> Self {
        let why = why.into();
        Self::of_verdict(why.clone(), Verdict::Discard(why))
    }

    /// Failed for good: no retry, kept for somebody to look at.
    #[must_use]
    pub fn dead(why: impl Into<String>) -> Self {
        let why = why.into();
        Self::of_verdict(why.clone(), Verdict::Dead(why))
    }

    /// The same error with `source` below it, for [`downcast_ref`](Self::downcast_ref) and the stored causes.
    #[must_use]
    pub fn caused_by(self, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        let detail = causes(&*source, true);
        let verdict = self.0.cause.verdict.clone();
        Self::build(self.0.kind, self.0.message.clone(), Some(detail), verdict, Some(source))
    }

    /// Wraps whatever a job returned; a verdict or a [`Cancelled`] anywhere in its chain of sources is found.
    #[must_use]
    pub fn from_boxed(error: BoxError) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return *own,
            Err(other) => other,
        };
        let mut verdict = None;
        let mut kind = FailureKind::Error;
        let mut link: Option<&(dyn StdError + 'static)> = Some(&*error);
        while let Some(current) = link {
            if let Some(cause) = current.downcast_ref::<Cause>() {
                verdict.clone_from(&cause.verdict);
            } else if current.is::<Cancelled>() {
                kind = FailureKind::Cancelled;
            }
            link = current.source();
        }
        let detail = error.source().map(|source| causes(source, true));
        Self::build(kind, error.to_string(), detail, verdict, Some(error))
    }

    fn of_verdict(message: String, verdict: Verdict) -> Self {
        Self::build(FailureKind::Error, message, None, Some(verdict), None)
    }

    fn build(
        kind: FailureKind,
        message: String,
        detail: Option<String>,
        verdict: Option<Verdict>,
        source: Option<BoxError>,
    ) -> Self {
        let cause = Cause { verdict, source: Source(source) };
        Self(Arc::new(Inner { kind, message, detail, origin: OnceLock::new(), cause }))
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// The message, in one line or a few.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Its causes, one a line, or the backtrace of a panic.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What the job wants instead of an ordinary retry.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.0.cause.verdict.as_ref()
    }

    /// The middleware that failed; `None` when the job itself did.
    #[must_use]
    pub fn middleware(&self) -> Option<&str> {
        self.0.origin.get().map(String::as_str).filter(|origin| !origin.is_empty())
    }

    /// Remembers where the error came from, the first time it is asked to; the empty name is the job itself.
    pub(crate) fn came_from(&self, origin: &str) {
        self.0.origin.get_or_init(|| origin.to_owned());
    }

    /// The error that the job returned, or the first of its causes, that is an `E`.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut link: Option<&(dyn StdError + 'static)> = Some(self.0.cause.source.get()?);
        while let Some(current) = link {
            if let Some(found) = current.downcast_ref::<E>() {
                return Some(found);
            }
            link = current.source();
        }
        None
    }

    /// The form in which the error is stored.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        Failure {
            kind: self.kind(),
            message: self.message().to_owned(),
            detail: self.detail().map(str::to_owned),
            middleware: self.middleware().map(str::to_owned),
        }
    }
}

/// The chain of sources from `error` down, one a line.
fn causes(error: &dyn StdError, with_self: bool) -> String {
    let mut lines = Vec::new();
    let mut link = if with_self { Some(error) } else { error.source() };
    while let Some(current) = link {
        lines.push(current.to_string());
        link = current.source();
    }
    lines.join("\n")
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobError")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("verdict", &self.0.cause.verdict)
            .finish_non_exhaustive()
    }
}

impl StdError for JobError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.cause {
            Cause { verdict: None, source } => source.get(),
            cause => Some(cause),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Some(verdict) => write!(f, "{verdict:?}"),
            None => f.write_str("no verdict"),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.get()
    }
}

/// The job was told to stop: what [`CancelSignal::guard`](crate::CancelSignal::guard) returns when the signal fires.
///
/// Give your own error type a variant for it (`#[from] Cancelled` with thiserror) and let `?` carry it out:
/// the worker then records what the reason of the signal asks for, never a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the job was told to stop")]
#[non_exhaustive]
pub struct Cancelled;

impl Cancelled {
    /// The error by itself, for code that notices the signal by other means than `guard`.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl From<Cancelled> for JobError {
    fn from(cancelled: Cancelled) -> Self {
        Self::from_boxed(Box::new(cancelled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the mail server said no")]
    struct Refused(#[source] JobError);

    #[test]
    fn a_verdict_survives_anyhow_and_being_a_source() {
        let wait = Duration::from_secs(7);
        let direct: BoxError = anyhow::Error::from(JobError::snooze(wait)).into();
        let context: BoxError = anyhow::Error::from(JobError::snooze(wait)).context("while mailing").into();
        let nested: BoxError = Box::new(Refused(JobError::snooze(wait)));
        for error in [direct, context, nested] {
            assert_eq!(JobError::from_boxed(error).verdict(), Some(&Verdict::Snooze(wait)));
        }
    }

    #[test]
    fn a_cancelled_is_known_through_wrappers() {
        let wrapped: BoxError = anyhow::Error::from(Cancelled).context("while transcoding").into();
        assert_eq!(JobError::from_boxed(wrapped).kind(), FailureKind::Cancelled);
    }

    #[test]
    fn the_users_own_error_can_be_had_back() {
        let error = JobError::from_boxed(Box::new(Refused(JobError::new("550"))));
        assert!(error.downcast_ref::<Refused>().is_some());
        assert_eq!(error.message(), "the mail server said no");
        assert_eq!(error.detail(), Some("550"));
    }

    #[test]
    fn a_string_is_an_error_too() {
        assert_eq!(JobError::from_boxed("no such user".into()).message(), "no such user");
    }
}

//! Panics of user code, caught where they happen and made errors that keep the message and the backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use super::JobResult;
use crate::job::{FailureKind, JobError, drop_safely};

thread_local! {
    /// Whether this thread is inside [`catch`], so that the hook knows whose panics are worth a backtrace.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// The backtrace of the panic that is on its way to [`catch`].
    static BACKTRACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls a function of the user's, and makes its panic an error.
pub(crate) fn catch<R>(function: impl FnOnce() -> R) -> Result<R, JobError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(keep_backtraces);
    let outer = CATCHING.replace(true);
    // What the function left half done is dropped with it: nothing of it is looked at after a panic.
    let caught = catch_unwind(AssertUnwindSafe(function));
    CATCHING.set(outer);
    caught.map_err(|panic| {
        let error = JobError::of_kind(FailureKind::Panic, format!("panicked: {}", message(&*panic)), BACKTRACE.take());
        drop_safely(panic);
        error
    })
}

/// Puts a hook before the one that is there: only while a panic unwinds can its backtrace be had.
fn keep_backtraces() {
    let previous = take_hook();
    set_hook(Box::new(move |info| {
        if CATCHING.get() {
            let place = info.location().map(|place| format!("at {place}\n")).unwrap_or_default();
            BACKTRACE.set(Some(format!("{place}{}", Backtrace::force_capture())));
        }
        previous(info);
    }));
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// A future of the user's whose panic is its result, and whose failure is known to have come from it.
pub(crate) struct CatchPanic {
    future: Pin<Box<dyn Future<Output = JobResult> + Send>>,
    name: &'static str,
}

impl CatchPanic {
    /// `name` is that of a middleware; the empty one is the job itself.
    pub(crate) fn new(future: Pin<Box<dyn Future<Output = JobResult> + Send>>, name: &'static str) -> Self {
        Self { future, name }
    }
}

impl Future for CatchPanic {
    type Output = JobResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<JobResult> {
        let polled = catch(|| self.future.as_mut().poll(cx)).unwrap_or_else(|error| Poll::Ready(Err(error)));
        polled.map_err(|error| {
            error.came_from(self.name);
            error
        })
    }
}

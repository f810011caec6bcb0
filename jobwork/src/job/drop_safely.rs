use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops what is the user's. A panic in its drop is told by the panic hook, and goes no further: it must not keep the worker from
/// recording what came of the job.
pub(crate) fn drop_safely<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Its own drop may panic too, and so on without end.
        std::mem::forget(panic);
    }
}

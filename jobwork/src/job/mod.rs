//! What a job is: its type, its stored form, its states and its outcomes. No I/O happens here.

mod backoff;
mod batch;
mod drop_safely;
mod error;
#[cfg(feature = "cron")]
mod every;
mod fields;
mod flow;
mod id;
mod limit;
mod missed;
mod new;
mod note;
mod options;
mod outcome;
mod record;
#[cfg(feature = "cron")]
mod schedule;
mod shown;
mod state;
mod tick;
mod unique;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::backoff::Backoff;
pub use self::batch::{BatchPlace, BatchRecord, NewBatch};
pub(crate) use self::drop_safely::drop_safely;
pub use self::error::{Cancelled, Failure, FailureKind, JobError, Verdict};
#[doc(hidden)]
pub use self::fields::{NextValue, ReadFields, WriteFields, read_fields, write_fields};
pub use self::flow::Flow;
pub use self::id::{BatchId, JobId, WorkerId};
pub use self::limit::{Limit, LimitRule, Rate};
pub use self::missed::Missed;
pub use self::new::{Membership, NewJob, Wait};
pub use self::note::{LogLevel, LogLine, Note, Progress};
pub use self::options::JobOptions;
pub use self::outcome::{DeadReason, Finished, Outcome};
pub use self::record::{Attempt, Claimed, Lease, Member, Record};
#[cfg(feature = "cron")]
pub use self::schedule::{Schedule, ScheduleError};
pub use self::state::JobState;
pub(crate) use self::tick::tick;
pub use self::unique::{OnConflict, Unique, UniqueStates};

/// A job's type, which is also its arguments.
///
/// `#[job]` writes this implementation. Write it by hand only for a type whose arguments a macro can't describe.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "expected the type that `#[job]` makes from a function",
    note = "`#[job] async fn send_email(..)` makes the type `SendEmail`"
)]
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the job returns when it succeeds; stored as JSON, and handed to the next step of a chain.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The types of the parameters, in order, as a tuple.
    type Params;

    /// The stored name.
    const NAME: &'static str;

    /// Older names under which stored jobs of this type are still performed.
    const ALIASES: &'static [&'static str] = &[];

    /// The stored keys of the parameters, in order.
    const FIELDS: &'static [&'static str];

    /// Where and how the job is dispatched when the call doesn't say otherwise.
    const OPTIONS: JobOptions = JobOptions::DEFAULT;

    /// What the job shares with others, by its arguments; nothing by default.
    ///
    /// # Errors
    /// When a key can't be made of the arguments.
    fn flow(&self) -> serde_json::Result<Flow> {
        Ok(Flow::default())
    }

    /// What the job shares with others whatever its arguments are: for a step of a chain that takes the output of the step
    /// before, and so has not all its arguments when it is dispatched.
    ///
    /// Whoever writes [`flow`](Self::flow) by hand writes this too, or such steps share nothing.
    ///
    /// # Errors
    /// Why there is no such thing: a key is made of arguments that are not known yet.
    fn flow_unfilled() -> Result<Flow, &'static str> {
        Ok(Flow::default())
    }
}

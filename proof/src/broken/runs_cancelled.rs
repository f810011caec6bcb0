use async_trait::async_trait;
use jiff::Timestamp;
use jobwork::store::{CancelAnswer, Inspect};
use jobwork::{JobId, JobState, Result};

use super::Flaw;

/// Says that a job is cancelled, and runs it all the same: `Rows::cancel_job` in `store/memory/by_hand.rs` and `by_hand.sql` end a job that does
/// not run, and take it out of the line.
#[derive(Debug, Default)]
pub struct RunsCancelled;

#[async_trait]
impl Flaw for RunsCancelled {
    async fn cancel(&self, inspect: &dyn Inspect, ids: &[JobId], now: Timestamp) -> Result<Vec<CancelAnswer>> {
        let mut answers = Vec::new();
        for (id, record) in ids.iter().zip(inspect.get(ids, now).await?) {
            let rests = record.is_some_and(|job| !job.state.is_final() && job.state != JobState::Running);
            let answer = if rests { vec![CancelAnswer::Cancelled] } else { inspect.cancel(&[*id], now).await? };
            answers.extend(answer);
        }
        Ok(answers)
    }
}

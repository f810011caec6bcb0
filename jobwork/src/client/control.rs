use jiff::Timestamp;

use super::Jobs;
use crate::error::{Error, Result};
use crate::store::{Control, Pause, QueueLimit, SetBy, Target};

impl Jobs {
    /// Holding jobs back by hand.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the store has no such power.
    pub fn control(&self) -> Result<&dyn Control> {
        let what = "pause jobs or limit queues";
        self.store().control().ok_or(Error::Unsupported { store: self.store().name(), what })
    }

    /// Pauses a queue, the jobs of a name, or everything, until it is resumed or until the given time. Every process
    /// heeds it with its next claim; what runs goes on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> jobwork::Result<()> {
    /// # let jobs = jobwork::Jobs::connect("memory:").await?;
    /// use jobwork::Target;
    ///
    /// jobs.pause(Target::Queue("mail".to_owned()), None).await?;
    /// assert_eq!(jobs.pauses().await?.len(), 1);
    /// assert!(jobs.resume(Target::Queue("mail".to_owned())).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`], or [`Error::Store`] when the store fails.
    pub async fn pause(&self, target: Target, until: Option<Timestamp>) -> Result<()> {
        self.control()?.pause(&target, until, self.now()).await
    }

    /// Ends a pause, and says whether there was one.
    ///
    /// # Errors
    /// [`Error::Unsupported`], or [`Error::Store`] when the store fails.
    pub async fn resume(&self, target: Target) -> Result<bool> {
        self.control()?.resume(&target, self.now()).await
    }

    /// What is paused now.
    ///
    /// # Errors
    /// [`Error::Unsupported`], or [`Error::Store`] when the store fails.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        self.control()?.pauses(self.now()).await
    }

    /// Limits all jobs of a queue together, over all workers; an empty limit sets the queue free. It holds until a
    /// worker starts whose program names a limit other than it named before.
    ///
    /// # Errors
    /// [`Error::Unsupported`], or [`Error::Store`] for a limit of nothing and when the store fails.
    pub async fn limit_queue(&self, queue: &str, limit: QueueLimit) -> Result<()> {
        self.control()?.limit_queue(queue, limit, SetBy::Hand).await
    }

    /// The queues with limits, by name.
    ///
    /// # Errors
    /// [`Error::Unsupported`], or [`Error::Store`] when the store fails.
    pub async fn queue_limits(&self) -> Result<Vec<(String, QueueLimit)>> {
        self.control()?.queue_limits().await
    }
}

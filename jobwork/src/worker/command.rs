use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::config::Until;
use super::start::{Parts, start};
use super::{App, WorkerHandle};
use crate::client::Jobs;
use crate::error::Result;
use crate::perform::{JobEntry, Perform, Registry};

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Run = dyn FnOnce(App, Vec<String>) -> BoxFuture<Result<(), BoxError>> + Send + Sync;

/// A command of the program's own, beside the built-in ones.
pub(crate) struct OwnCommand {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) run: Box<Run>,
}

impl fmt::Debug for OwnCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCommand").field("name", &self.name).finish_non_exhaustive()
    }
}

impl App {
    /// Adds a command of your own to the program that `#[jobwork::main]` makes; `about` is its line in `--help`.
    ///
    /// The handler is given the app, to dispatch with its client or to run its worker, and the words after the
    /// command's name. Options that belong to every command, such as `--store`, stand before the name. The handler's error
    /// is printed, and the program exits with code 1.
    ///
    /// ```
    /// use jobwork::{App, NewJob};
    ///
    /// async fn import(app: App, files: Vec<String>) -> jobwork::Result<()> {
    ///     let new = files.iter().map(|file| NewJob::new("import_file", format!("[{file:?}]")));
    ///     app.client().await?.push(new.collect()).await?;
    ///     Ok(())
    /// }
    ///
    /// let app = App::new().command("import", "Dispatches a job for each file", import);
    /// # drop(app);
    /// ```
    pub fn command<F, Fut, E>(mut self, name: impl Into<String>, about: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Self, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let run: Box<Run> = Box::new(move |app, words| {
            let called = handler(app, words);
            Box::pin(async move { called.await.map_err(Into::into) })
        });
        self.commands.push(OwnCommand { name: name.into(), about: about.into(), run });
        self
    }

    /// Takes the commands of the program's own.
    pub(crate) fn take_commands(&mut self) -> Vec<OwnCommand> {
        std::mem::take(&mut self.commands)
    }

    /// This app with a client of its own, which is made the process's default, hooks included.
    ///
    /// # Errors
    /// [`Error::Url`](crate::Error::Url) or [`Error::Open`](crate::Error::Open) for the default store.
    pub(crate) async fn connected(self) -> Result<(Self, Jobs)> {
        let app = match self.has_jobs() {
            true => self,
            // Taken once, before it is made the default with our hooks: they must not be called twice.
            false => {
                let jobs = self.opened().await?;
                self.jobs(jobs)
            }
        };
        let jobs = app.client().await?;
        jobs.make_default();
        Ok((app, jobs))
    }

    /// Starts a worker that performs this job and no other, whatever is linked or registered.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub(crate) async fn spawn_only<J: Perform>(self) -> Result<WorkerHandle> {
        let mut registry = Registry::default();
        registry.add(JobEntry::of::<J>(file!(), line!()))?;
        let parts = self.into_parts().await?;
        start(Parts { registry, ..parts }, Until::Stopped).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::{Deserialize, Serialize};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::job::{Job, JobError, JobState, NewJob};
    use crate::perform::JobContext;

    /// A job of which there are two.
    #[derive(Serialize, Deserialize)]
    struct Is<const WANTED: bool> {}

    impl<const WANTED: bool> Job for Is<WANTED> {
        type Output = ();
        type Params = ();
        const NAME: &'static str = if WANTED { "wanted" } else { "linked" };
        const FIELDS: &'static [&'static str] = &[];
    }

    impl<const WANTED: bool> Perform for Is<WANTED> {
        async fn perform(self, job: JobContext) -> std::result::Result<(), JobError> {
            job.state::<Arc<Semaphore>>().ok_or_else(|| JobError::dead("no semaphore"))?.add_permits(1);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_worker_for_one_job_leaves_the_others() {
        let jobs = Jobs::connect("memory:").await.unwrap();
        let ran = Arc::new(Semaphore::new(0));
        let new = ["linked", "wanted"].map(|name| NewJob::new(name, "{}"));
        let ids = jobs.push(new.to_vec()).await.unwrap();
        let app = App::new().register::<Is<false>>().jobs(jobs.clone()).state(Arc::clone(&ran));
        let worker = app.spawn_only::<Is<true>>().await.unwrap();
        let _ran = ran.acquire().await.unwrap();
        worker.stop_and_wait().await;
        let states = jobs.inspect().unwrap().get(&ids, jobs.now()).await.unwrap();
        let states: Vec<_> = states.into_iter().flatten().map(|job| job.state).collect();
        assert_eq!(states, [JobState::Ready, JobState::Completed]);
    }
}

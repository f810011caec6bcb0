use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JobContext;
use super::notebook::Written;
use crate::error::{Error, Result};
use crate::job::{LogLevel, LogLine, Progress};

/// What a job can say about itself while it runs. It is kept with the job, and goes when the job is deleted or pruned.
impl JobContext {
    /// Says how far the job has come, for [`JobHandle::progress`](crate::JobHandle::progress) and dashboards: a
    /// fraction from 0 to 1, and a word about it.
    ///
    /// Costs next to nothing, so call it as often as you like: the worker writes the latest of what was said within a fifth
    /// of a second, together with that of its other jobs. It never fails the job; what can't be written is logged.
    ///
    /// ```
    /// use jobwork::JobContext;
    ///
    /// async fn render(pages: u32, job: JobContext) {
    ///     for page in 1..=pages {
    ///         job.progress(f64::from(page) / f64::from(pages), format!("page {page}"));
    ///     }
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(render(3, JobContext::detached("render")));
    /// ```
    pub fn progress(&self, fraction: f64, message: impl Into<String>) {
        let notebook = &self.job().notebook;
        notebook.progress(self, Progress::new(fraction, message, notebook.now()));
    }

    /// Stores where the job should go on when it runs again: after a failure, when it was handed back, or when its worker
    /// died. On stable storage when it returns `Ok`; the latest counts. It is found with
    /// [`last_checkpoint`](Self::last_checkpoint).
    ///
    /// A retry by hand goes on from it too, unless the job had completed.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another worker owns the job by now: stop, for nothing that this run does counts any more.
    /// [`Error::Json`] when the cursor can't be written as JSON, [`Error::Store`] when the store fails, and
    /// [`Error::Unsupported`] when it has no room for checkpoints.
    ///
    /// ```
    /// use jobwork::JobContext;
    ///
    /// async fn import(rows: u64, job: JobContext) -> jobwork::Result<u64> {
    ///     let mut done: u64 = job.last_checkpoint()?.unwrap_or(0);
    ///     while done < rows {
    ///         done += 100; // import a hundred more
    ///         job.checkpoint(&done).await?;
    ///     }
    ///     Ok(done)
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # assert_eq!(runtime.block_on(import(300, JobContext::detached("import"))).unwrap(), 300);
    /// ```
    pub async fn checkpoint<T: Serialize + ?Sized + Sync>(&self, cursor: &T) -> Result<()> {
        let what = "can't write the checkpoint";
        let json = serde_json::to_string(cursor);
        let json = json.map_err(|source| Error::Json { what, job: self.name().to_owned(), source })?;
        let notebook = &self.job().notebook;
        let Some(store) = notebook.desk().map(|desk| desk.jobs.store()) else {
            // Without a worker there is nobody to write it, nor to run the job again.
            drop(notebook.checkpoint(self, json));
            return Ok(());
        };
        if store.notes().is_none() {
            return Err(Error::Unsupported { store: store.name(), what: "keep checkpoints" });
        }
        match notebook.checkpoint(self, json).await {
            Ok(Written::Stored) => Ok(()),
            Ok(Written::Lost) => Err(Error::LeaseLost(self.id())),
            Ok(Written::Failed(problem)) => Err(Error::store(problem)),
            Err(_) => Err(Error::store("the worker that ran the job has ended")),
        }
    }

    /// Stores a checkpoint as [`checkpoint`](Self::checkpoint) does, on a thread that may block.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    ///
    /// # Panics
    /// Outside a tokio runtime, or on one of its async threads.
    pub fn checkpoint_blocking<T: Serialize + ?Sized + Sync>(&self, cursor: &T) -> Result<()> {
        tokio::runtime::Handle::current().block_on(self.checkpoint(cursor))
    }

    /// Where to go on: the latest checkpoint of this run, or else the one that an earlier run of this job left.
    ///
    /// # Errors
    /// [`Error::Json`] when what is stored is no `T`, because an older version of the job left another type, for instance.
    pub fn last_checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let latest = self.job().notebook.latest().or_else(|| self.job().claimed.checkpoint.clone());
        let what = "can't read the checkpoint";
        let cursor = latest.map(|json| serde_json::from_str(&json)).transpose();
        cursor.map_err(|source| Error::Json { what, job: self.name().to_owned(), source })
    }

    /// Adds a line to the log that is kept with the job, as [`LogLevel::Info`]. Of each job the newest lines are kept: see
    /// [`LogLine`].
    ///
    /// It never waits and never fails the job. What was logged is written before the attempt's outcome is.
    pub fn log(&self, text: impl Into<String>) {
        self.log_line(LogLevel::Info, text);
    }

    pub(crate) fn log_line(&self, level: LogLevel, text: impl Into<String>) {
        let notebook = &self.job().notebook;
        notebook.line(self, LogLine::new(self.attempt(), notebook.now(), level, text));
    }
}

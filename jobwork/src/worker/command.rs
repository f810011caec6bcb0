use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::App;
use crate::client::Jobs;
use crate::error::Result;

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
}

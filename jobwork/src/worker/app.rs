use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::config::{Config, Until};
use super::handle::WorkerHandle;
use super::report::StopReport;
use super::start::{Parts, start};
#[cfg(feature = "cli")]
use crate::client::current;
use crate::client::{DispatchHook, Jobs};
use crate::error::{Error, Result};
use crate::job::NewJob;
use crate::perform::{ErrorHandler, IntoErrorHandler, JobEntry, Middleware, Perform, Registry, States};

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An application's jobs and all that they need, to be made a worker.
///
/// The generated main hands one to your function; anywhere else, begin with [`App::new`].
///
/// ```
/// # #[cfg(feature = "macros")] mod example {
/// use jobwork::prelude::*;
///
/// #[job]
/// async fn greet(name: String) {
///     println!("hello {name}");
/// }
///
/// # pub
/// async fn work() -> jobwork::Result<()> {
///     let jobs = Jobs::connect("memory:").await?;
///     Greet::dispatch("ann").on(&jobs).await?;
///     let report = App::new().register::<Greet>().jobs(jobs).run_until_empty().await?;
///     assert_eq!(report.completed, 1);
///     Ok(())
/// }
/// # }
/// # #[cfg(feature = "macros")] tokio::runtime::Runtime::new().unwrap().block_on(example::work()).unwrap();
/// ```
#[must_use = "an app does nothing until it is run or spawned"]
pub struct App {
    jobs: Option<Jobs>,
    default_store: Option<String>,
    #[cfg(feature = "encryption")]
    keyring: Option<crate::secret::Keyring>,
    pub(super) config: Config,
    states: States,
    middleware: Vec<Arc<dyn Middleware>>,
    on_error: Vec<Arc<dyn ErrorHandler>>,
    on_dispatch: Vec<Arc<DispatchHook>>,
    registered: Vec<JobEntry>,
    chain_handlers: Vec<(String, Arc<dyn ErrorHandler>)>,
    hooks: Hooks,
    #[cfg(feature = "cron")]
    crons: Vec<crate::perform::Cron>,
    #[cfg(feature = "cli")]
    pub(super) commands: Vec<super::OwnCommand>,
}

type StartHook = dyn Fn(Jobs) -> BoxFuture<Result<(), BoxError>> + Send + Sync;
type StopHook = dyn Fn(StopReport) -> BoxFuture<()> + Send + Sync;

/// What is called when a worker starts and when it has stopped.
#[derive(Default)]
pub(crate) struct Hooks {
    start: Vec<Box<StartHook>>,
    stop: Vec<Arc<StopHook>>,
}

impl Hooks {
    pub(crate) async fn start(&self, jobs: &Jobs) -> Result<()> {
        for hook in &self.start {
            hook(jobs.clone()).await.map_err(|error| Error::Config(format!("a start hook failed: {error}")))?;
        }
        Ok(())
    }

    /// Calls the hooks where the jobs ran; one that fails to end is left behind.
    pub(crate) async fn stop(&self, runtime: &tokio::runtime::Handle, report: &StopReport) {
        for hook in &self.stop {
            let (hook, report) = (Arc::clone(hook), report.clone());
            let task = runtime.spawn(async move { hook(report).await });
            match tokio::time::timeout(Duration::from_secs(5), task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a stop hook broke off"),
                Err(_) => tracing::error!("a stop hook took too long"),
            }
        }
    }
}

impl App {
    /// An app with the jobs of every linked crate (with the `inventory` feature), and the default settings.
    pub fn new() -> Self {
        Self {
            jobs: None,
            default_store: None,
            #[cfg(feature = "encryption")]
            keyring: None,
            config: Config::default(),
            states: States::default(),
            middleware: Vec::new(),
            on_error: Vec::new(),
            on_dispatch: Vec::new(),
            registered: Vec::new(),
            chain_handlers: Vec::new(),
            hooks: Hooks::default(),
            #[cfg(feature = "cron")]
            crons: Vec::new(),
            #[cfg(feature = "cli")]
            commands: Vec::new(),
        }
    }

    /// The client, and by it the store; by default the one that [`Jobs::current`] gives.
    pub fn jobs(mut self, jobs: Jobs) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// The URL of the store where none is named: no [`jobs`](Self::jobs), no `--store` and no `JOBWORK_URL`, and the process
    /// has no default client yet. Else it is `sqlite:jobs.db`.
    pub fn default_store(mut self, url: impl Into<String>) -> Self {
        self.default_store = Some(url.into());
        self
    }

    /// The keys of jobs that are `encrypted`; by default those of the client, or those that `JOBWORK_KEYS` names.
    #[cfg(feature = "encryption")]
    pub fn keyring(mut self, keyring: crate::secret::Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// Adds a job by its type, for programs that do without `inventory`.
    #[track_caller]
    pub fn register<J: Perform>(mut self) -> Self {
        let place = std::panic::Location::caller();
        self.registered.push(JobEntry::of::<J>(place.file(), place.line()));
        self
    }

    /// Gives the jobs a state: one value of each type, which they take as `State<T>`. A second of a type replaces the first.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// Adds middleware round every job, inside of what was added before and outside of the jobs' own.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds an error handler that is called for every job, before the job's own.
    pub fn on_error<M>(mut self, handler: impl IntoErrorHandler<M>) -> Self {
        self.on_error.push(handler.into_error_handler());
        self
    }

    /// Adds an error handler under a name, for chains that ask for it with [`Chain::on_error`](crate::Chain::on_error).
    pub fn error_handler<M>(mut self, name: impl Into<String>, handler: impl IntoErrorHandler<M>) -> Self {
        self.chain_handlers.push((name.into(), handler.into_error_handler()));
        self
    }

    /// Adds a hook that looks at every job this app dispatches before it is stored, and may change or refuse it.
    pub fn on_dispatch<E: Into<BoxError>>(
        mut self,
        hook: impl Fn(&mut NewJob) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.on_dispatch.push(Arc::new(move |job| hook(job).map_err(Into::into)));
        self
    }

    /// Dispatches what `make` returns whenever the cron expression is due, in UTC: for schedules with arguments, or with an expression that is read
    /// at run time. [`schedule`](Self::schedule) takes one with a time zone.
    #[cfg(feature = "cron")]
    pub fn cron<D: crate::client::IntoJobs>(
        self,
        name: impl Into<String>,
        expression: impl Into<String>,
        make: impl Fn() -> D + Send + Sync + 'static,
    ) -> Self {
        self.schedule(crate::perform::Cron::new(name, expression, make))
    }

    /// Dispatches jobs on a schedule. The chapter [`Cron`](crate::Cron) tells all about it.
    #[cfg(feature = "cron")]
    pub fn schedule(mut self, cron: crate::perform::Cron) -> Self {
        self.crons.push(cron);
        self
    }

    /// Adds a hook that is called before the worker claims its first job; an error keeps the worker from starting.
    pub fn on_start<F, Fut, E>(mut self, hook: F) -> Self
    where
        F: Fn(Jobs) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.hooks.start.push(Box::new(move |jobs| {
            let called = hook(jobs);
            Box::pin(async move { called.await.map_err(Into::into) })
        }));
        self
    }

    /// Adds a hook that is called when the worker has stopped; it has five seconds.
    pub fn on_stop<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(StopReport) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.stop.push(Arc::new(move |report| Box::pin(hook(report))));
        self
    }

    /// Works until it is stopped, by a signal of the system for instance, and reports how it ended.
    ///
    /// A blocking job that never returns was handed back by then, but its thread lives on, and a runtime that is dropped
    /// waits for it: end your `main` with `Runtime::shutdown_background` or `std::process::exit`, as the generated one does.
    ///
    /// # Errors
    /// [`Error::Config`] when it can't work as it is configured; [`Error::Url`] or [`Error::Open`] for its store.
    /// Once it works, no error of the store ends it.
    pub async fn run(self) -> Result<StopReport> {
        Ok(self.obey_signals().begin(Until::Stopped).await?.stopped().await)
    }

    /// Works until nothing is ready any more and nothing runs. Jobs that are due later are not waited for,
    /// nor those that a rate, a pause or a job of another worker holds back.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until_empty(self) -> Result<StopReport> {
        Ok(self.begin(Until::Empty).await?.stopped().await)
    }

    /// Performs one job, if one is ready; says in the report what came of it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_one(self) -> Result<StopReport> {
        Ok(self.begin(Until::One).await?.stopped().await)
    }

    /// Starts the worker beside whatever else the program does, such as serving HTTP. Its jobs run on the runtime we
    /// are in.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn spawn(self) -> Result<WorkerHandle> {
        self.begin(Until::Stopped).await
    }

    /// The jobs this app can perform.
    ///
    /// # Errors
    /// [`Error::Config`] when two jobs share a name.
    pub fn registry(&self) -> Result<Registry> {
        let mut registry = Registry::linked()?;
        self.registered.iter().try_for_each(|entry| registry.add_by_hand(*entry))?;
        for (name, handler) in &self.chain_handlers {
            registry.add_chain_handler(name, Arc::clone(handler))?;
        }
        Ok(registry)
    }

    /// The client this app dispatches with: the one it was given, or the current one, with the app's own hooks.
    ///
    /// # Errors
    /// [`Error::Url`] or [`Error::Open`] for the default store.
    pub async fn client(&self) -> Result<Jobs> {
        let jobs = self.opened().await?.with_hooks(&self.on_dispatch);
        #[cfg(feature = "encryption")]
        let jobs = match self.keyring.clone() {
            Some(keyring) => jobs.with_keyring(keyring),
            None => jobs,
        };
        Ok(jobs)
    }

    /// The client without the app's hooks.
    pub(super) async fn opened(&self) -> Result<Jobs> {
        match &self.jobs {
            Some(jobs) => Ok(jobs.clone()),
            None => Jobs::current_or(self.default_store.as_deref()).await,
        }
    }

    /// The URL of the store that it would open; `None` where it has a client, or the process has one.
    #[cfg(feature = "cli")]
    pub(crate) fn url_to_open(&self) -> Option<String> {
        let has_client = self.jobs.is_some() || current::get().is_some();
        (!has_client).then(|| current::url(self.default_store.as_deref()))
    }

    #[cfg(feature = "cli")]
    pub(super) fn has_jobs(&self) -> bool {
        self.jobs.is_some()
    }

    /// Obeys the system's signals, unless it was told whether to.
    pub(crate) fn obey_signals(mut self) -> Self {
        self.config.signals.get_or_insert(true);
        self
    }

    async fn begin(self, until: Until) -> Result<WorkerHandle> {
        start(self.into_parts().await?, until).await
    }

    /// What a worker of this app is made of.
    pub(crate) async fn into_parts(self) -> Result<Parts> {
        let registry = self.registry()?;
        let jobs = self.client().await?;
        #[cfg(feature = "cron")]
        let crons = self.crons;
        let Self { config, states, middleware, on_error, hooks, .. } = self;
        Ok(Parts {
            jobs,
            config,
            registry,
            states,
            middleware,
            on_error,
            hooks,
            #[cfg(feature = "cron")]
            crons,
        })
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("config", &self.config).field("states", &self.states).finish_non_exhaustive()
    }
}

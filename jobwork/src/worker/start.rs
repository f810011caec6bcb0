use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::app::Hooks;
use super::config::{Config, Until};
use super::crowd::Crowds;
use super::fetcher::{Fetcher, Gate, Lane};
use super::handle::WorkerHandle;
use super::health::Health;
use super::identity::{Identity, Ids, host_name};
use super::idle::Idle;
use super::noter::{self, Slips};
use super::running::RunningJobs;
use super::settler::{self, Settler};
use super::shared::Shared;
use super::supervisor::Supervisor;
use crate::client::{Jobs, current};
use crate::error::{Error, Result};
use crate::job::WorkerId;
#[cfg(feature = "log")]
use crate::perform::keep_up_to;
use crate::perform::{Desk, ErrorHandler, Handler, Kind, Middleware, Registry, States};
use crate::store::{Served, SetBy, WorkerInfo, WorkerState};

/// Everything a worker is made of.
pub(crate) struct Parts {
    pub(crate) jobs: Jobs,
    pub(crate) config: Config,
    pub(crate) registry: Registry,
    pub(crate) states: States,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) on_error: Vec<Arc<dyn ErrorHandler>>,
    pub(crate) hooks: Hooks,
    #[cfg(feature = "cron")]
    pub(crate) crons: Vec<crate::perform::Cron>,
}

/// Starts a worker, whose jobs run on the runtime we are in.
///
/// # Errors
/// [`Error::Config`] when it can't work as it is configured, and what a start hook returned.
pub(crate) async fn start(parts: Parts, until: Until) -> Result<WorkerHandle> {
    let single_runtime = parts.config.single_runtime;
    let (shared, (settler, slips), hooks) = prepare(parts)?;
    current::set_default_if_none(&shared.jobs);
    for (queue, limit) in &shared.config.queue_limits {
        limit.check(queue)?;
    }
    let limited = match limit_queues(&shared).await {
        Err(error @ Error::Store(_)) => {
            tracing::error!(%error, "can't limit queues; trying again");
            false
        }
        limited => limited.map(|()| true)?,
    };
    hooks.start(&shared.jobs).await?;
    log_start(&shared);
    let (order, orders) = mpsc::unbounded_channel();
    let lanes = lanes(&shared, until);
    let idle = Arc::new(Idle::new(lanes.len(), order.clone()));
    // A gate each: the watchers of one are woken in an order that tokio draws by chance.
    let fetchers = lanes.into_iter().map(|lane| {
        let (gate, watched) = watch::channel(Gate::Open);
        (gate, Fetcher::new(Arc::clone(&shared), lane, watched, Arc::clone(&idle)))
    });
    let (gates, fetchers) = fetchers.unzip();
    let (reported, report) = watch::channel(None);
    let supervisor = Supervisor::new(Arc::clone(&shared), gates, (order.clone(), orders), until, limited);
    let runtime = shared.runtime.clone();
    let life = async move {
        let report = supervisor.run(settler, slips, fetchers).await;
        hooks.stop(&runtime, &report).await;
        // Nobody may be waiting for it.
        let _ = reported.send(Some(report));
    };
    run_apart(life, single_runtime)?;
    Ok(WorkerHandle::new(shared, order, report))
}

/// Writes to the store what the jobs of queues share.
pub(super) async fn limit_queues(shared: &Shared) -> Result<()> {
    for (queue, limit) in &shared.config.queue_limits {
        shared.jobs.control()?.limit_queue(queue, *limit, SetBy::Start).await?;
    }
    Ok(())
}

/// Checks what a worker is made of, and puts it together.
pub(super) fn prepare(parts: Parts) -> Result<(Arc<Shared>, (Settler, Slips), Hooks)> {
    #[cfg(feature = "cron")]
    let mut crons = parts.crons;
    let Parts { jobs, config, registry, states, middleware, on_error, hooks, .. } = parts;
    let handlers = registry.handlers(&middleware, &states)?;
    check_keyring(&jobs, &registry)?;
    #[cfg(feature = "cron")]
    {
        let own = handlers.iter().filter(|(name, handler)| **name == handler.entry.name());
        crons.extend(own.filter_map(|(_, handler)| handler.handling.cron.clone()));
        super::ticker::check(&crons, &jobs)?;
    }
    let (outcomes, settler) = settler::channel(Arc::clone(jobs.store()));
    let (sender, slips) = noter::channel();
    #[cfg(feature = "log")]
    handlers.values().filter_map(|handler| handler.handling.keep_log).max().into_iter().for_each(keep_up_to);
    let ids = Ids::new(config.seed);
    let shared = Arc::new(Shared {
        store: Arc::clone(jobs.store()),
        clock: jobs.clock().clone(),
        identity: Identity::new(info(ids.fresh(), &config, &jobs), ids),
        desk: Arc::new(Desk { jobs: jobs.clone(), sender }),
        jobs,
        crowds: Arc::new(Crowds::new(&config.queue_concurrency)),
        config,
        handlers,
        registry,
        states,
        #[cfg(feature = "cron")]
        crons,
        on_error,
        running: RunningJobs::new(),
        outcomes,
        state: watch::Sender::new(WorkerState::Starting),
        health: Health::default(),
        runtime: tokio::runtime::Handle::current(),
    });
    Ok((shared, (settler, slips), hooks))
}

/// A worker without keys would find each encrypted job dead.
fn check_keyring(jobs: &Jobs, registry: &Registry) -> Result<()> {
    let encrypted: Vec<String> = registry
        .jobs()
        .filter(|entry| entry.options().encrypted)
        .map(|entry| format!("`{}` ({})", entry.name(), entry.place()))
        .collect();
    if encrypted.is_empty() {
        return Ok(());
    }
    let unable = |problem| Error::Config(format!("can't decrypt the arguments of {}: {problem}", encrypted.join(", ")));
    jobs.check_keyring().map_err(unable)
}

/// Runs the worker's own tasks on a thread of their own, so that jobs which block every async thread can't keep it
/// from beating, or from stopping.
fn run_apart(life: impl Future<Output = ()> + Send + 'static, single_runtime: bool) -> Result<()> {
    if single_runtime {
        tokio::spawn(life);
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::Config(format!("can't start the worker's thread: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let thread = std::thread::Builder::new().name("jobwork".to_owned());
    thread.spawn(move || runtime.block_on(life)).map(drop).map_err(failed)
}

/// What each fetcher sees to. Blocking jobs have one of their own: they are claimed only when a thread is free for them,
/// and never keep async jobs waiting.
fn lanes(shared: &Shared, until: Until) -> Vec<Lane> {
    let names = |wanted: &dyn Fn(&Handler) -> bool| -> Arc<[Served]> {
        let wanted = shared.handlers.iter().filter(|(_, handler)| wanted(handler));
        wanted.map(|(name, handler)| served(name, handler)).collect()
    };
    let lanes = match until {
        Until::One => vec![(names(&|_| true), 1)],
        Until::Stopped | Until::Empty => vec![
            (names(&|handler| handler.entry.kind() == Kind::Async), shared.config.concurrency),
            (names(&|handler| handler.entry.kind() == Kind::Blocking), shared.config.blocking),
        ],
    };
    let lanes = lanes.into_iter().filter(|(names, _)| !names.is_empty());
    lanes.enumerate().map(|(index, (names, slots))| Lane { index, names, slots, until }).collect()
}

fn info(id: WorkerId, config: &Config, jobs: &Jobs) -> WorkerInfo {
    WorkerInfo {
        id,
        host: host_name(),
        pid: std::process::id(),
        queues: config.queues.as_ref().map(|queues| queues.names().to_vec()).unwrap_or_default(),
        concurrency: config.concurrency,
        started_at: jobs.now(),
    }
}

fn log_start(shared: &Shared) {
    let queues = shared.config.queues.as_ref().map_or_else(|| "all".to_owned(), |queues| queues.names().join(", "));
    let worker = shared.identity.id();
    let (store, concurrency) = (shared.store.name(), shared.config.concurrency);
    tracing::info!(%worker, store, queues, concurrency, jobs = shared.registry.jobs().count(), "worker starts");
    for entry in shared.registry.jobs() {
        tracing::debug!(name = entry.name(), place = entry.place(), "performs");
    }
}

pub(super) fn served(name: &str, handler: &Handler) -> Served {
    Served { name: name.to_owned(), version: handler.entry.options().version }
}

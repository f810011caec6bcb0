use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::config::Config;
use super::crowd::Crowds;
use super::health::Health;
use super::identity::Identity;
use super::running::RunningJobs;
use super::settler::Outcomes;
use crate::client::Jobs;
use crate::clock::Clock;
use crate::perform::{Desk, ErrorHandler, Handler, Registry, States};
use crate::store::{Store, WorkerState};

/// What the parts of one worker share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    /// The client that jobs dispatch with.
    pub(crate) jobs: Jobs,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) handlers: BTreeMap<&'static str, Arc<Handler>>,
    pub(crate) registry: Registry,
    pub(crate) states: States,
    /// The schedules whose ticks this worker runs.
    #[cfg(feature = "cron")]
    pub(crate) crons: Vec<crate::perform::Cron>,
    pub(crate) on_error: Vec<Arc<dyn ErrorHandler>>,
    pub(crate) identity: Identity,
    pub(crate) running: RunningJobs,
    pub(crate) crowds: Arc<Crowds>,
    pub(crate) outcomes: Outcomes,
    /// Takes the notebooks of jobs that have something to write.
    pub(crate) desk: Arc<Desk>,
    pub(crate) state: watch::Sender<WorkerState>,
    pub(crate) health: Health,
    /// Where jobs, and all other code of the user's, run.
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Shared {
    /// Waits until the worker claims jobs, as it does from its start until it is quiet or stops.
    #[cfg(feature = "cron")]
    pub(crate) async fn wait_until_running(&self) {
        let mut state = self.state.subscribe();
        // The sender lives in self, so the wait can't fail.
        let _ = state.wait_for(|state| *state == WorkerState::Running).await;
    }
}

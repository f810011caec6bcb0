use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::store::Retention;

use super::queues::Queues;
use crate::store::QueueLimit;

/// The settings of a worker; each is documented at the method of [`App`](super::App) that sets it.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) queues: Option<Queues>,
    /// How many jobs of a queue run at a time, where that is limited.
    pub(crate) queue_concurrency: BTreeMap<String, usize>,
    /// What the jobs of a queue share over all workers.
    pub(crate) queue_limits: BTreeMap<String, QueueLimit>,
    pub(crate) ageing: Option<Duration>,
    pub(crate) concurrency: usize,
    pub(crate) blocking: usize,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) lease: Duration,
    pub(crate) poison_after: u32,
    pub(crate) retention: Arc<Retention>,
    pub(crate) signals: Option<bool>,
    pub(crate) single_runtime: bool,
    /// What is drawn by chance is drawn from this instead.
    pub(crate) seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            queues: None,
            queue_limits: BTreeMap::new(),
            queue_concurrency: BTreeMap::new(),
            ageing: None,
            concurrency: 100,
            blocking: cores,
            shutdown_timeout: Duration::from_secs(25),
            poll_interval: Duration::from_secs(1),
            lease: Duration::from_secs(15),
            poison_after: 3,
            retention: Arc::default(),
            signals: None,
            single_runtime: false,
            seed: None,
        }
    }
}

/// How long a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until it is stopped.
    Stopped,
    /// Until nothing is ready any more.
    Empty,
    /// Until it has performed one job, or found none.
    One,
}

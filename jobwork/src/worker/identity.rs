use std::sync::{Arc, Mutex, PoisonError};

use super::chance::Chance;
use crate::job::WorkerId;
use crate::store::WorkerInfo;

/// Who the worker is. It changes when the store has declared it dead: its old jobs belong to others then, and only
/// under a new id can it take part again.
#[derive(Debug)]
pub(crate) struct Identity {
    info: Mutex<Arc<WorkerInfo>>,
    ids: Ids,
}

/// Where the ids of a worker come from: each is one that no worker had before, but in a simulation they are drawn from its seed.
#[derive(Debug)]
pub(crate) struct Ids(Option<Mutex<Chance>>);

impl Ids {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Mutex::new(Chance::new(Some(seed)))))
    }

    pub(crate) fn fresh(&self) -> WorkerId {
        let drawn = self.0.as_ref().map(|ids| ids.lock().unwrap_or_else(PoisonError::into_inner).worker_id());
        drawn.unwrap_or_else(WorkerId::fresh)
    }
}

impl Identity {
    /// Begins as this worker, and takes the ids after its own from `ids`.
    pub(crate) fn new(info: WorkerInfo, ids: Ids) -> Self {
        Self { info: Mutex::new(Arc::new(info)), ids }
    }

    pub(crate) fn get(&self) -> Arc<WorkerInfo> {
        Arc::clone(&self.info.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn id(&self) -> WorkerId {
        self.info.lock().unwrap_or_else(PoisonError::into_inner).id
    }

    /// Takes a fresh id.
    pub(crate) fn renew(&self) -> Arc<WorkerInfo> {
        let mut info = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        *info = Arc::new(WorkerInfo { id: self.ids.fresh(), ..WorkerInfo::clone(&info) });
        Arc::clone(&info)
    }
}

/// This machine's name, as far as it can be had without asking the network.
pub(crate) fn host_name() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

use std::sync::{Arc, Mutex, PoisonError};

use crate::job::WorkerId;
use crate::store::WorkerInfo;

/// Who the worker is. It changes when the store has declared it dead: its old jobs belong to others then, and only
/// under a new id can it take part again.
#[derive(Debug)]
pub(crate) struct Identity(Mutex<Arc<WorkerInfo>>);

impl Identity {
    pub(crate) fn new(info: WorkerInfo) -> Self {
        Self(Mutex::new(Arc::new(info)))
    }

    pub(crate) fn get(&self) -> Arc<WorkerInfo> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn id(&self) -> WorkerId {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).id
    }

    /// Takes a fresh id.
    pub(crate) fn renew(&self) -> Arc<WorkerInfo> {
        let mut info = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *info = Arc::new(WorkerInfo { id: WorkerId::fresh(), ..WorkerInfo::clone(&info) });
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

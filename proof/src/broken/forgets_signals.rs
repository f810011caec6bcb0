use jobwork::store::Signals;

use super::Flaw;

/// Tells a worker nothing of its jobs: `Rows::beat` in `store/memory/workers.rs` and `cancels` in `store/sqlite/beat.rs` name those that are to
/// be cancelled, and `Heartbeat::obey` in `worker/heartbeat.rs` passes it on.
#[derive(Debug, Default)]
pub struct ForgetsSignals;

impl Flaw for ForgetsSignals {
    fn heard(&self, signals: Signals) -> Signals {
        Signals { cancel: Vec::new(), ..signals }
    }
}

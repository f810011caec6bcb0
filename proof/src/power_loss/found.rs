//! What a store says of its jobs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jobwork::store::{Filter, Inspect, Store};
use jobwork::{Attempt, JobId, Record};
use serde::{Deserialize, Serialize};

/// A job as a store has it, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) history: Vec<Attempt>,
}

/// The time at which they look, always the same: what is scheduled must not become ready between two looks.
pub(super) fn looked_at() -> Timestamp {
    Timestamp::constant(1_800_000_000, 0)
}

pub(super) fn inspect(store: &dyn Store) -> anyhow::Result<&dyn Inspect> {
    store.inspect().ok_or_else(|| anyhow::anyhow!("the store can't be looked into"))
}

/// These jobs, in this order.
pub(super) async fn get(store: &dyn Store, ids: &[JobId]) -> anyhow::Result<Vec<(JobId, Option<Found>)>> {
    let records = inspect(store)?.get(ids, looked_at()).await?;
    let mut all = Vec::with_capacity(ids.len());
    for (id, record) in ids.iter().zip(records) {
        let found = match record {
            Some(record) => Some(Found { record, history: inspect(store)?.history(*id).await? }),
            None => None,
        };
        all.push((*id, found));
    }
    Ok(all)
}

/// All jobs.
pub(super) async fn all(store: &dyn Store) -> anyhow::Result<BTreeMap<JobId, Found>> {
    let mut all = BTreeMap::new();
    for record in inspect(store)?.list(&Filter::default(), looked_at()).await? {
        let history = inspect(store)?.history(record.id).await?;
        all.insert(record.id, Found { record, history });
    }
    Ok(all)
}

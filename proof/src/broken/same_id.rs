use std::sync::OnceLock;

use async_trait::async_trait;
use jobwork::Result;
use jobwork::store::{Push, Pushed, Store, Stored};

use super::Flaw;

/// Gives every job that is pushed by itself the id of the first one: the numbers that ids are derived from come from `last` in
/// `store/memory/rows.rs`, from the rows' numbers in `store/sqlite/new_rows.rs`, and from the sequence `job_number` in Postgres.
#[derive(Debug, Default)]
pub struct SameId {
    first: OnceLock<Pushed>,
}

#[async_trait]
impl Flaw for SameId {
    async fn push(&self, store: &dyn Store, push: Push) -> Result<Stored> {
        let alone = push.jobs.len() == 1;
        let mut stored = store.push(push).await?;
        if alone && let Some(pushed) = stored.jobs.first_mut().filter(|pushed| pushed.is_new()) {
            *pushed = *self.first.get_or_init(|| *pushed);
        }
        Ok(stored)
    }
}

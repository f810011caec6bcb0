use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jobwork::store::{Batch, Claim};

use super::Flaw;

/// Gives the members of a chain the output of another chain's: who waits for whom is looked at in `Rows::release_waiters` in
/// `store/memory/outcomes.rs`, in `store/sqlite/waiters.rs` and in `waiters.sql`.
#[derive(Debug, Default)]
pub struct WrongValue {
    /// The arguments of the first member at each place of a chain, by its name.
    first: Mutex<HashMap<(String, u32), String>>,
}

impl Flaw for WrongValue {
    fn claimed(&self, _: &Claim, mut batch: Batch) -> Batch {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        for job in &mut batch.jobs {
            let Some(place) = job.chain.as_ref().map(|member| member.position).filter(|place| *place > 0) else {
                continue;
            };
            let args = first.entry((job.name.clone(), place)).or_insert_with(|| job.args.clone());
            args.clone_into(&mut job.args);
        }
        batch
    }
}

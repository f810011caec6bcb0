//! Jobs that are ready when a transaction is about to be committed go to the claims that stand.

use std::time::Duration;

use super::claim::{self, Planned};
use super::db::Db;
use super::{ready, rows};
use crate::store::Batch;
use crate::store::standing::Hungry;

/// Hands over what is ready at this time, in milliseconds. The workers are told once that is committed.
pub(super) fn hand_over(db: &Db, now: i64) -> rusqlite::Result<()> {
    // A claim made in this transaction sees all that is ready.
    let mut hungry = db.standing.hungry(Duration::MAX, |_| true);
    if hungry.is_empty() {
        return Ok(());
    }
    hungry.iter_mut().for_each(|hungry| hungry.claim.now = rows::time(now));
    *db.handed.borrow_mut() = hungry.into_iter().map(|hungry| (hungry, Batch::default())).collect();
    let mut waiting = db.handed.borrow_mut();
    // A failure is met again by the claim itself, which may be undone without what it shares the commit with.
    let plans = waiting.iter().map(|(hungry, _)| claim::plan(db, &hungry.claim).unwrap_or_default());
    let plans: Vec<_> = plans.collect();
    let planned: Vec<i64> = plans.iter().flatten().flat_map(Planned::seqs).collect();
    // From here on it may be undone, and new rows must not be.
    db.write_new_rows()?;
    // Who asks for itself meets the same error, and reports it.
    if !db.apart(|| claim_for(db, &mut waiting, plans))? {
        waiting.iter_mut().for_each(|(_, batch)| *batch = Batch::default());
        planned.into_iter().try_for_each(|seq| ready::enter(db, seq))?;
    }
    Ok(())
}

fn claim_for(db: &Db, waiting: &mut [(Hungry, Batch)], plans: Vec<Option<Planned>>) -> rusqlite::Result<()> {
    for ((hungry, batch), planned) in waiting.iter_mut().zip(plans) {
        *batch = match planned {
            Some(planned) => planned.write(db, &hungry.claim)?,
            None => claim::claim(db, &hungry.claim)?,
        };
    }
    Ok(())
}

//! Where the jobs of a push stand in its batches.

use super::Push;
use crate::error::{Error, Result};
use crate::job::BatchPlace;

/// A job's part in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is one of those that are counted.
    Member,
    /// It is called back, and waits for this many things to happen to the batch.
    Callback(u32),
}

impl Part {
    /// What a job of this part waits for besides other jobs.
    pub(crate) fn waits(self) -> u32 {
        match self {
            Self::Member => 0,
            Self::Callback(waits) => waits,
        }
    }
}

/// The number of each job's batch and its part in it, by the job's index; `number` tells the number of a batch.
pub(crate) fn places(push: &Push, number: impl Fn(BatchPlace) -> u64) -> Vec<Option<(u64, Part)>> {
    let mut places: Vec<Option<(u64, Part)>> =
        push.jobs.iter().map(|job| job.batch.map(|batch| (number(batch), Part::Member))).collect();
    for (index, batch) in push.batches.iter().enumerate() {
        for callback in batch.callbacks() {
            let waits = places[callback].map_or(0, |(_, part)| part.waits());
            places[callback] = Some((number(BatchPlace::New(index)), Part::Callback(waits + 1)));
        }
    }
    places
}

/// Whether the batches of a push refer to each other and to its jobs as they may.
pub(super) fn check(push: &Push) -> Result<()> {
    for (index, batch) in push.batches.iter().enumerate() {
        if let Some(parent) = batch.parent.and_then(|parent| beyond(parent, index)) {
            let problem = format!("batch {index} of a push is a member of batch {parent}, expected one before it");
            return Err(Error::store(problem));
        }
    }
    for (index, job) in push.jobs.iter().enumerate() {
        if let Some(batch) = job.batch.and_then(|batch| beyond(batch, push.batches.len())) {
            let count = push.batches.len();
            let problem = format!("job {index} of a push is a member of batch {batch}, but there are {count}");
            return Err(Error::store(problem));
        }
    }
    check_callbacks(push)
}

/// The index of a new batch that is not before `end`.
fn beyond(place: BatchPlace, end: usize) -> Option<usize> {
    match place {
        BatchPlace::New(index) => Some(index).filter(|index| *index >= end),
        BatchPlace::Stored(_) => None,
    }
}

fn check_callbacks(push: &Push) -> Result<()> {
    if push.batches.is_empty() {
        return Ok(());
    }
    let count = push.jobs.len();
    let mut batches = vec![None; count];
    for (index, batch) in push.batches.iter().enumerate() {
        for callback in batch.callbacks() {
            let Some(job) = push.jobs.get(callback) else {
                let problem = format!("batch {index} of a push calls back job {callback}, but there are {count}");
                return Err(Error::store(problem));
            };
            let other = batches[callback].replace(index).is_some_and(|other| other != index);
            if other || job.batch.is_some() || !job.waits.is_empty() {
                let problem = format!(
                    "job {callback} of a push is a callback of batch {index}, expected a job that waits for no other and \
                     has no part in another batch"
                );
                return Err(Error::store(problem));
            }
        }
    }
    Ok(())
}

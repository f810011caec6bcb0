//! Fails the power at each point of a recording, and looks at what is left.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use fastrand::Rng;

use super::disk::{Disk, Left};
use super::fault::Fault;
use super::image::Image;
use super::operation::Operation;
use super::promises::Promises;
use super::recording::Recording;
use super::restart;
use crate::checker::Violation;

/// How much is looked at.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Extent {
    /// At most so many images of the disk; all of them without
    #[arg(long)]
    pub images: Option<usize>,
    /// Stop when something is wrong
    #[arg(long)]
    pub first: bool,
}

/// What was looked at, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Examination {
    /// Operations and lines of the recording.
    pub operations: usize,
    /// Syncs among them.
    pub syncs: usize,
    /// Acknowledged calls among them.
    pub acknowledged: usize,
    /// The points at which the power failed.
    pub points: usize,
    /// The images of the disk that were opened.
    pub images: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

/// A point at which the power fails, after so many operations, and what is left.
type Failing = (usize, Left);

impl Examination {
    /// Looks at a recording, on a disk with this fault, if any.
    ///
    /// # Errors
    /// When no image can be made, which has nothing to do with the store.
    pub fn of(recording: &Recording, fault: Option<Fault>, seed: u64, extent: Extent) -> anyhow::Result<Self> {
        let operations = fault.map_or_else(|| recording.operations.clone(), |fault| fault.on(&recording.operations));
        let promises = Promises::of(&operations, fault)?;
        let failing = choose(failing(&operations), extent.images, &mut Rng::with_seed(seed));
        let points = failing.iter().map(|(at, _)| at).collect::<BTreeSet<_>>().len();
        let images =
            Images { operations: &operations, failing: failing.into_iter(), seed, disk: Disk::default(), performed: 0 };
        let (images, violations) = look_at_all(images, &promises, extent.first)?;
        let syncs = operations.iter().filter(|operation| is_sync(operation)).count();
        Ok(Self {
            operations: operations.len(),
            syncs,
            acknowledged: promises.acknowledged(operations.len()),
            points,
            images,
            violations,
        })
    }
}

impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, syncs, acknowledged, points, images, violations } = self;
        let violations = violations.len();
        write!(
            f,
            "{operations} operations, {syncs} of them syncs, {acknowledged} acknowledged calls; \
             the power failed at {points} points, {images} images of the disk, {violations} violations"
        )
    }
}

/// Everything that can be left. Where nothing is left that was not synced, it is the same from one sync to the next, and most is promised right
/// before the next.
fn failing(operations: &[Operation]) -> Vec<Failing> {
    let mut failing = Vec::new();
    for at in 0..=operations.len() {
        if operations.get(at).is_none_or(is_sync) {
            failing.extend([(at, Left::Nothing), (at, Left::Everything), (at, Left::Anything)]);
        }
        match at.checked_sub(1).map(|last| &operations[last]) {
            Some(Operation::Write { .. }) => failing.extend([(at, Left::Torn), (at, Left::Anything)]),
            Some(Operation::Create { .. } | Operation::Remove { .. }) => {
                failing.extend([(at, Left::Everything), (at, Left::Anything)]);
            }
            _ => {}
        }
    }
    failing
}

fn is_sync(operation: &Operation) -> bool {
    matches!(operation, Operation::Sync { .. } | Operation::SyncFolder { .. })
}

/// At most so many, in their order. Those that only have what was synced come first.
fn choose(failing: Vec<Failing>, most: Option<usize>, random: &mut Rng) -> Vec<Failing> {
    let (mut first, mut rest): (Vec<_>, Vec<_>) = failing.into_iter().partition(|(_, left)| *left == Left::Nothing);
    random.shuffle(&mut first);
    random.shuffle(&mut rest);
    first.append(&mut rest);
    first.truncate(most.unwrap_or(usize::MAX));
    first.sort_by_key(|(at, _)| *at);
    first
}

/// Has as many threads look at the images as there are processors.
fn look_at_all(
    images: Images<'_>,
    promises: &Promises,
    stop_at_first: bool,
) -> anyhow::Result<(usize, Vec<Violation>)> {
    let (images, seen) = (Mutex::new(images), Mutex::new((0, Vec::new())));
    let look_at_some = || {
        while let Some((at, left, image)) = lock(&images).next() {
            let violations =
                restart::look_at(&image, promises, at).with_context(|| format!("after {at} operations, {left:?}"))?;
            let mut seen = lock(&seen);
            seen.0 += 1;
            seen.1.extend(violations.into_iter().map(|violation| told(violation, left)));
            if stop_at_first && !seen.1.is_empty() {
                break;
            }
        }
        anyhow::Ok(())
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let looking: Vec<_> = (0..threads).map(|_| scope.spawn(look_at_some)).collect();
        looking
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    Ok(seen.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn told(violation: Violation, left: Left) -> Violation {
    let (at, what) = (violation.lines[0], &violation.what);
    Violation { what: format!("after {at} operations, {left:?} left of what was not synced: {what}"), ..violation }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The images, made one after the other.
struct Images<'a> {
    operations: &'a [Operation],
    failing: std::vec::IntoIter<Failing>,
    seed: u64,
    disk: Disk,
    performed: usize,
}

impl Iterator for Images<'_> {
    type Item = (usize, Left, Image);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, left) = self.failing.next()?;
        (self.performed..at).for_each(|number| self.disk.perform(number, &self.operations[number]));
        self.performed = at;
        // By the point alone, so that one image can be made again without the others.
        let mut random = Rng::with_seed(self.seed ^ at as u64);
        Some((at, left, self.disk.image(left, &mut random)))
    }
}

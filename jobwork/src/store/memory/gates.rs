//! Jobs over a limit, and those of a paused name: held out of the ready index, so that they cost nothing to pass.
//!
//! Jobs that one key holds, of one queue, name and version, stand behind one gate. A claim lets the best of a due gate
//! out, as many as the key has room for: they are its *candidates* until they leave the ready index.
//!
//! The invariant: behind a gate with held jobs, the gate is due, or due at a time at which its key has room, or its key
//! has no slot (and freeing one makes it due), or its name is paused (and the resume makes it due), or a candidate of it
//! is ready (and its claim, and its leaving in any other way, look at the gate again).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::limits::Wake;
use crate::job::Record;
use crate::store::Claim;

/// What stands behind one gate of a key: a queue, a name and a version.
pub(super) type Kind = (String, String, u32);

#[derive(Debug, Default)]
pub(super) struct Gates {
    kinds: BTreeMap<Kind, BTreeMap<String, Gate>>,
    of_key: HashMap<String, BTreeSet<Kind>>,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    /// In the order in which they are let out.
    pub(super) held: BTreeSet<(Reverse<i32>, Timestamp, u64)>,
    /// Let out, and not yet claimed.
    pub(super) candidates: BTreeSet<u64>,
    pub(super) wake: Wake,
}

pub(super) fn kind(job: &Record) -> Kind {
    (job.queue.clone(), job.name.clone(), job.version)
}

fn place(seq: u64, job: &Record) -> (Reverse<i32>, Timestamp, u64) {
    (Reverse(job.priority), job.run_at, seq)
}

impl Gates {
    pub(super) fn of(&mut self, key: &str, kind: &Kind) -> Option<&mut Gate> {
        self.kinds.get_mut(kind)?.get_mut(key)
    }

    /// Puts a job behind a gate.
    pub(super) fn hold(&mut self, key: &str, seq: u64, job: &Record) {
        let gate = self.kinds.entry(kind(job)).or_default().entry(key.to_owned()).or_default();
        gate.candidates.remove(&seq);
        gate.held.insert(place(seq, job));
        self.of_key.entry(key.to_owned()).or_default().insert(kind(job));
    }

    /// Takes a job out, from behind its gate or from its candidates.
    pub(super) fn remove(&mut self, key: &str, seq: u64, job: &Record) {
        if let Some(gate) = self.of(key, &kind(job)) {
            gate.candidates.remove(&seq);
            gate.held.remove(&place(seq, job));
        }
    }

    /// Forgets a gate with nothing behind it.
    pub(super) fn forget(&mut self, key: &str, kind: &Kind) {
        if let Some(gates) = self.kinds.get_mut(kind) {
            gates.remove(key);
            if gates.is_empty() {
                self.kinds.remove(kind);
            }
        }
        if let Some(kinds) = self.of_key.get_mut(key) {
            kinds.remove(kind);
            if kinds.is_empty() {
                self.of_key.remove(key);
            }
        }
    }

    /// Makes the gates of a key due, and says whether there are any.
    pub(super) fn open(&mut self, key: &str) -> bool {
        let kinds = self.of_key.get(key).into_iter().flatten().cloned().collect::<Vec<_>>();
        for kind in &kinds {
            if let Some(gate) = self.of(key, kind) {
                gate.wake = Some((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH));
            }
        }
        !kinds.is_empty()
    }

    fn served<'a>(&'a self, claim: &'a Claim) -> impl Iterator<Item = (&'a Kind, &'a String, &'a Gate)> {
        let serves = |(queue, name, version): &Kind| {
            claim.queues.as_ref().is_none_or(|queues| queues.contains(queue))
                && claim.names.iter().any(|served| served.name == *name && *version <= served.version)
        };
        let kinds = self.kinds.iter().filter(move |(kind, _)| serves(kind));
        kinds.flat_map(|(kind, gates)| gates.iter().map(move |(key, gate)| (kind, key, gate)))
    }

    /// The due gates behind which are jobs for this worker.
    pub(super) fn due(&self, claim: &Claim) -> Vec<(String, Kind)> {
        let due = self.served(claim).filter(|(_, _, gate)| gate.wake.is_some_and(|(wake, _)| wake <= claim.now));
        due.map(|(kind, key, _)| (key.clone(), kind.clone())).collect()
    }

    /// When the first gate with jobs for this worker is worth a look.
    pub(super) fn next_look(&self, claim: &Claim) -> Option<Timestamp> {
        let looks = self.served(claim).filter_map(|(_, _, gate)| gate.wake);
        looks.map(|(wake, look)| if wake <= claim.now { claim.now } else { look }).min()
    }
}

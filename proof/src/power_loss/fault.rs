//! The broken twins.

use std::fmt;

use super::operation::Operation;

/// One thing that is not as it should be, of which somebody could lose a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// Nothing is ever synced, as with `synchronous = OFF`.
    NoSync,
    /// The log is not synced before an answer, as with `synchronous = NORMAL`.
    NoSyncOfTheLog,
    /// The names of new files are not synced.
    NoSyncOfTheFolder,
    /// Answers are given before the sync that they should wait for.
    EarlyAnswers,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NoSync, Self::NoSyncOfTheLog, Self::NoSyncOfTheFolder, Self::EarlyAnswers];

    /// The operations as a disk with this fault does them. Each keeps its number.
    pub(super) fn on(self, operations: &[Operation]) -> Vec<Operation> {
        let faulty = |(number, operation): (usize, &Operation)| {
            if self.loses(operation, &operations[number..]) { Operation::Nothing } else { operation.clone() }
        };
        operations.iter().enumerate().map(faulty).collect()
    }

    /// Whether the operation is left out; `rest` begins with it.
    fn loses(self, operation: &Operation, rest: &[Operation]) -> bool {
        match (self, operation) {
            (Self::NoSync, Operation::Sync { .. } | Operation::SyncFolder { .. })
            | (Self::NoSyncOfTheFolder, Operation::SyncFolder { .. }) => true,
            // It is synced before it is written back.
            (Self::NoSyncOfTheLog, Operation::Sync { name, .. }) if is_log(name) => {
                rest.iter().find_map(|operation| match operation {
                    Operation::Write { name, .. } => Some(is_log(name)),
                    _ => None,
                }) != Some(false)
            }
            _ => false,
        }
    }
}

/// Whether this is the name of SQLite's log.
pub(super) fn is_log(name: &str) -> bool {
    name.ends_with("-wal")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSync => "nothing is synced",
            Self::NoSyncOfTheLog => "the log is not synced",
            Self::NoSyncOfTheFolder => "the folder is not synced",
            Self::EarlyAnswers => "answers come before the sync",
        })
    }
}

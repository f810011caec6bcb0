use fastrand::Rng;

use super::database::Database;

/// A way to disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A worker is killed.
    Kill,
    /// All workers are.
    KillAll,
    /// A dispatcher is killed.
    KillDispatcher,
    /// A worker is asked to stop, up to three times.
    Terminate,
    /// A worker is stopped for longer than its lease.
    Stop,
    /// A worker is told to be quiet for a while.
    Quiet,
    /// A dispatcher is stopped for a while.
    StopDispatcher,
    /// The server ends as in a crash, and starts again.
    Restart,
    /// The server is gone for a while.
    Outage,
    /// All sessions of the server are ended.
    Backends,
    /// The disk is full for a while.
    FullDisk,
    /// The file is read-only for whoever opens it, for a while.
    ReadOnlyFile,
    /// All processes die, and when they come back the disk is read-only for a while.
    ReadOnly,
}

impl Fault {
    /// What a database and its users have to fear, each as often as its weight says.
    pub(super) fn feared(database: &Database) -> Vec<(Self, u32)> {
        let mut feared = vec![
            (Self::Kill, 30),
            (Self::KillAll, 2),
            (Self::KillDispatcher, 6),
            (Self::Terminate, 15),
            (Self::Stop, 12),
            (Self::Quiet, 4),
            (Self::StopDispatcher, 3),
        ];
        if matches!(database, Database::Server(_)) {
            feared.extend([(Self::Restart, 8), (Self::Outage, 4)]);
        }
        if database.is_postgres() {
            feared.push((Self::Backends, 10));
        }
        if matches!(database, Database::File(_)) {
            feared.push((Self::ReadOnlyFile, 4));
        }
        if matches!(database, Database::File(disk) if disk.is_mounted()) {
            feared.extend([(Self::FullDisk, 10), (Self::ReadOnly, 4)]);
        }
        feared
    }

    /// One of them at random.
    pub(super) fn draw(feared: &[(Self, u32)], rng: &mut Rng) -> Self {
        let all: u32 = feared.iter().map(|(_, weight)| weight).sum();
        let mut left = rng.u32(..all);
        let drawn = feared.iter().find(|(_, weight)| match left.checked_sub(*weight) {
            Some(less) => {
                left = less;
                false
            }
            None => true,
        });
        drawn.map_or(Self::Kill, |(fault, _)| *fault)
    }

    /// Several of them, for the report.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Kill => "workers killed",
            Self::KillAll => "times all workers killed",
            Self::KillDispatcher => "dispatchers killed",
            Self::Terminate => "workers terminated",
            Self::Stop => "workers stopped",
            Self::Quiet => "workers quieted",
            Self::StopDispatcher => "dispatchers stopped",
            Self::Restart => "servers crashed",
            Self::Outage => "outages",
            Self::Backends => "times all sessions ended",
            Self::FullDisk => "times the disk full",
            Self::ReadOnlyFile => "times the file read-only",
            Self::ReadOnly => "times the disk read-only",
        }
    }
}

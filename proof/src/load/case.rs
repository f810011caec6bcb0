use std::fmt;
use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;

use super::figures::Outcome;
use super::scene::Scene;
use super::{
    blocks_the_thread, chain_of_a_thousand, forks_a_child, large_arguments, million_ready, panics_in_drop, same_second,
    sixty_four_workers, ten_thousand_queues, unknown_names,
};

/// No case takes longer: it is wedged then.
const LIMIT: Duration = Duration::from_secs(1_200);

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Case {
    /// A million jobs that are ready
    MillionReady,
    /// A hundred thousand jobs that are due in the same second
    SameSecond,
    /// Ten thousand queues
    TenThousandQueues,
    /// Arguments just below the limit, behind many small ones
    LargeArguments,
    /// A chain of a thousand steps
    ChainOfAThousand,
    /// Jobs that panic as they, or what they leave, are dropped
    PanicsInDrop,
    /// A job that blocks the async thread for four leases
    BlocksTheThread,
    /// A job whose child process outlives it and its worker
    ForksAChild,
    /// 64 processes that work on one store
    SixtyFourWorkers,
    /// A hundred thousand due jobs whose names the worker does not know
    UnknownNames,
}

impl Case {
    /// Runs it here.
    pub(super) fn run(self, scene: &Scene) -> anyhow::Result<Outcome> {
        match self {
            Self::MillionReady => bounded(million_ready::run(scene)),
            Self::SameSecond => bounded(same_second::run(scene)),
            Self::TenThousandQueues => bounded(ten_thousand_queues::run(scene)),
            Self::LargeArguments => bounded(large_arguments::run(scene)),
            Self::ChainOfAThousand => bounded(chain_of_a_thousand::run(scene)),
            Self::PanicsInDrop => bounded(panics_in_drop::run(scene)),
            Self::BlocksTheThread => blocks_the_thread::run(scene),
            Self::ForksAChild => bounded(forks_a_child::run(scene)),
            Self::SixtyFourWorkers => bounded(sixty_four_workers::run(scene)),
            Self::UnknownNames => bounded(unknown_names::run(scene)),
        }
    }

    /// Whether other processes take part, for which a store in memory is no good.
    pub(super) fn is_for_processes(self) -> bool {
        matches!(self, Self::ForksAChild | Self::SixtyFourWorkers)
    }
}

/// Runs it on a runtime with several threads, but not for ever.
pub(super) fn bounded<T>(case: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async { tokio::time::timeout(LIMIT, case).await });
    done.with_context(|| format!("nothing came of it in {LIMIT:?}"))?
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value();
        f.pad(name.as_ref().map_or("", |name| name.get_name()))
    }
}

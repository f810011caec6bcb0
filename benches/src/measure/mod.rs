//! What is measured: one file a kind.

mod chain;
mod dispatch;
mod drain;
mod end_to_end;
mod idle;
mod mixed;
mod open_loop;
mod pick_up;
pub(crate) mod processes;
mod scene;
mod size;
mod wear;

use anyhow::Result;
use serde::{Deserialize, Serialize};

pub(crate) use self::pick_up::pause;
use self::scene::Scene;
pub(crate) use self::scene::{TASKS, from_tasks};
use crate::bare::{self, Bare};
use crate::figure::Figure;
use crate::jobs::{Beside, Load};
use crate::place::Place;
use crate::problems;

/// One round of one measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measure {
    /// What is done.
    pub(crate) kind: Kind,
    /// What the jobs are like.
    pub(crate) load: Load,
    /// How many there are.
    pub(crate) jobs: u64,
    /// Where they are stored.
    pub(crate) place: Place,
}

/// What is done in a measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Jobs are dispatched one at a time from so many tasks.
    Dispatch {
        /// How many.
        tasks: usize,
    },
    /// Jobs are dispatched in writes of a thousand.
    Bulk,
    /// Jobs that are ready are performed.
    Drain {
        /// So many at a time.
        at_once: usize,
    },
    /// Jobs are dispatched from 64 tasks and performed, side by side.
    EndToEnd {
        /// Whether they are performed in another process.
        elsewhere: bool,
    },
    /// Chains of three that are ready are performed.
    Chain,
    /// Some fail, some wait, some are cancelled.
    Mixed,
    /// Single jobs are dispatched to an idle worker.
    PickUp {
        /// Whether it is in another process.
        elsewhere: bool,
    },
    /// Jobs are dispatched at a steady rate, whatever becomes of them.
    OpenLoop {
        /// So many a second.
        rate: f64,
    },
    /// Eight processes dispatch and eight work.
    Processes {
        /// For so long.
        seconds: f64,
    },
    /// A worker waits in a process of its own.
    Idle {
        /// For so long.
        seconds: f64,
    },
    /// Jobs are dispatched in bulk, then performed.
    PushAndDrain,
    /// Jobs that are ready are performed, and what they leave behind is looked at.
    Wear,
    /// The same work on a bare store, without anything that makes a job queue.
    Bare(Bare),
}

impl Measure {
    /// Takes it.
    pub(crate) async fn take(self) -> Result<Figure> {
        let (kind, place) = (self.kind, self.place.clone());
        let mut figure = match kind {
            Kind::Bare(test) => bare::measure(test, &self).await?,
            Kind::Idle { seconds } => idle::measure(place.open(Beside::NONE).await?, seconds).await?,
            Kind::Wear => wear::measure(Scene::open(self).await?).await?,
            _ => Scene::open(self).await?.take(kind).await?,
        };
        figure.problems.extend(problems::so_far());
        Ok(figure)
    }
}

impl Scene {
    async fn take(&self, kind: Kind) -> Result<Figure> {
        match kind {
            Kind::Dispatch { tasks } => dispatch::one_by_one(self, tasks).await,
            Kind::Bulk => dispatch::in_bulk(self).await,
            Kind::Drain { at_once } => drain::measure(self, at_once).await,
            Kind::EndToEnd { elsewhere: false } => end_to_end::measure(self).await,
            Kind::EndToEnd { elsewhere: true } => end_to_end::measure_elsewhere(self).await,
            Kind::Chain => chain::measure(self).await,
            Kind::Mixed => mixed::measure(self).await,
            Kind::PickUp { elsewhere: false } => pick_up::measure(self).await,
            Kind::PickUp { elsewhere: true } => pick_up::measure_elsewhere(self).await,
            Kind::OpenLoop { rate } => open_loop::measure(self, rate).await,
            Kind::Processes { seconds } => processes::measure(self, seconds).await,
            Kind::PushAndDrain => size::measure(self).await,
            Kind::Idle { .. } | Kind::Wear | Kind::Bare(_) => anyhow::bail!("expected a measure in a scene that stays"),
        }
    }
}

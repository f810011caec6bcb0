use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jobwork::{App, JobContext, Jobs, Next, WorkerHandle};

use super::faulty::Faulty;
use super::link::Link;
use super::world::World;
use crate::Recorded;

/// A worker of the simulation, and its link to the store.
#[derive(Debug)]
pub(super) struct Worker {
    /// Its number in the history.
    pub(super) number: u32,
    pub(super) link: Arc<Link>,
    pub(super) handle: WorkerHandle,
}

impl Worker {
    /// Starts one, with settings that are drawn.
    pub(super) async fn start(world: &World, number: u32, mut rng: Rng) -> Self {
        let link = Link::new(Arc::clone(&world.sky), world.lease, rng.fork());
        let recorded = Arc::new(Recorded::new(Arc::clone(&world.store), world.history.by(number)));
        let written_down = recorded.middleware();
        let faulty = Faulty::new(recorded, Arc::clone(&link), Arc::clone(&world.hints));
        let faulty = if rng.bool() { faulty.hands_over(world.clock.clone()) } else { faulty };
        let jobs = Jobs::new(Arc::new(faulty)).with_clock(world.skewed(&mut rng));
        let app = App::new().single_runtime(true).signals(false).jobs(jobs).seed(rng.u64(..));
        let app = app.middleware(mortal(Arc::clone(&link))).middleware(written_down).state(world.book.clone());
        let app = app.lease(world.lease).poison_after(world.poison_after);
        let app = app.concurrency(rng.usize(1..=6)).poll_interval(Duration::from_millis(rng.u64(100..=2_000)));
        let app = app.shutdown_timeout(Duration::from_millis(rng.u64(..=6_000)));
        let app = if rng.u8(..4) == 0 { app.queue_concurrency("default", rng.usize(1..=3)) } else { app };
        let handle = app.spawn().await.expect("the settings are in order");
        Self { number, link, handle }
    }

    /// Ends it as a kill does.
    pub(super) fn kill(&self) {
        self.link.cut();
    }

    /// Holds it up for so long, as a partition of the network does.
    pub(super) fn stall(&self, time: Duration) {
        self.link.stall(time);
    }
}

/// Middleware that drops a job where it stands when its worker dies.
fn mortal(link: Arc<Link>) -> impl jobwork::Middleware {
    move |job: JobContext, next: Next| {
        let link = Arc::clone(&link);
        async move {
            tokio::select! {
                biased;
                () = link.is_cut() => std::future::pending().await,
                result = next.run(job) => result,
            }
        }
    }
}

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jobwork::store::WorkerState;
use jobwork::{JobId, JobState, Jobs, job};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::count::{new_job, push_all};
use super::figures::Outcome;
use super::scene::{Scene, app, ensure_all_ended, ms};
use super::tally;

/// So many other jobs come while the thread is blocked.
const OTHERS: usize = 200;

/// Whether the job that blocks has begun.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Sleeps on an async thread, as nobody should.
#[job(name = "load.block", retries = 0)]
async fn block(ms: u64) {
    BEGUN.store(true, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(ms));
}

/// First on a runtime of one thread, then on one of several.
pub(super) fn run(scene: &Scene) -> anyhow::Result<Outcome> {
    // The lease can't be much shorter than a busy machine may forget a thread for.
    let time = Duration::from_secs_f64((60.0 * scene.scale).max(6.0));
    let begun = Instant::now();
    let one = blocked(scene, &Builder::new_current_thread().enable_all().build()?, time, 0)?;
    let many = blocked(scene, &Builder::new_multi_thread().enable_all().build()?, time, OTHERS)?;
    let lease = time / 4;
    let what = format!("blocked for {time:?} with a lease of {lease:?}. On one thread: {one}. On several: {many}");
    Ok(Outcome { count: OTHERS * 2 + 2, time: begun.elapsed(), what })
}

/// What becomes of the job and of those that come meanwhile, with numbers from `first` on.
fn blocked(scene: &Scene, runtime: &Runtime, time: Duration, first: usize) -> anyhow::Result<String> {
    BEGUN.store(false, Ordering::SeqCst);
    // Whoever watches has a runtime of its own.
    let eyes = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (jobs, over) = (eyes.block_on(scene.jobs())?, Notify::new());
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let watched = eyes.block_on(watch(&jobs, time, first));
            over.notify_one();
            watched
        });
        runtime.block_on(async {
            let worker = app(&jobs).lease(time / 4).spawn().await?;
            worker.wait_for(WorkerState::Running).await;
            // Not before: a worker that is told to stop hands the job back when its time is over.
            over.notified().await;
            worker.stop_and_wait().await;
            anyhow::Ok(())
        })?;
        watching.join().ok().context("whoever watched panicked")?
    })
}

async fn watch(jobs: &Jobs, time: Duration, first: usize) -> anyhow::Result<String> {
    let millis = u64::try_from(time.as_millis())?;
    let blocking = Block::dispatch(millis).on(jobs).await?;
    while !BEGUN.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    push_all(jobs, OTHERS, |number| new_job(first + number, "default".to_owned())).await?;
    // A worker that only rescues, as any other would that is alive.
    let rival = app(jobs).lease(time / 4).queues(["nothing"]).spawn().await?;
    tokio::time::sleep(time * 9 / 10).await;
    let meanwhile = tally::ran() - first;
    let still = jobs.get(blocking.id()).await?.context("the job is there")?;
    ensure!(still.state == JobState::Running, "the job that blocks is {} in the middle", still.state);
    blocking.wait().await?;
    let ended = Instant::now();
    while tally::ran() < first + OTHERS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rest = ended.elapsed();
    rival.stop_and_wait().await;
    ensure_ran_once(jobs, blocking.id()).await?;
    tally::ensure_each_ran_once(first + OTHERS)?;
    while ensure_all_ended(jobs).await.is_err() && begun.elapsed() < time * 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ensure_all_ended(jobs).await?;
    Ok(format!("lease kept, {meanwhile} of {OTHERS} others ran meanwhile, the rest within {} of its end", ms(rest)))
}

/// Fails where the job was rescued, or ran again.
async fn ensure_ran_once(jobs: &Jobs, id: JobId) -> anyhow::Result<()> {
    let job = jobs.get(id).await?.context("the job is there")?;
    ensure!(job.attempt == 1 && job.rescues == 0, "in attempt {} after {} rescues", job.attempt, job.rescues);
    Ok(())
}

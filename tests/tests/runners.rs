//! That jobs which share a task are in nobody's way: neither in one another's, nor in that of other tasks.

use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use jobwork::{JobContext, JobResult, Next, State, job};
use jobwork_tests::{Bench, Events};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn jobs_that_wait_run_side_by_side() {
    static BARRIER: LazyLock<tokio::sync::Barrier> = LazyLock::new(|| tokio::sync::Barrier::new(50));
    #[job]
    async fn meets() {
        BARRIER.wait().await;
    }
    let bench = Bench::new();
    Meets::dispatch_many(std::iter::repeat_with(Meets::new).take(50)).on(&bench.jobs).await.unwrap();
    let begun = Instant::now();
    assert_eq!(bench.app().concurrency(50).run_until_empty().await.unwrap().completed, 50);
    assert_eq!(begun.elapsed().as_millis(), 0, "none waits for a look at what is ahead");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_block_in_place_run_side_by_side() {
    static BARRIER: LazyLock<std::sync::Barrier> = LazyLock::new(|| std::sync::Barrier::new(20));
    #[job]
    async fn blocks() {
        tokio::task::block_in_place(|| BARRIER.wait());
    }
    let bench = Bench::new();
    Blocks::dispatch_many(std::iter::repeat_with(Blocks::new).take(20)).on(&bench.jobs).await.unwrap();
    assert_eq!(bench.app().concurrency(20).run_until_empty().await.unwrap().completed, 20);
}

#[tokio::test(start_paused = true)]
async fn other_tasks_have_their_turn_between_jobs_that_never_wait() {
    static TURNS: AtomicU32 = AtomicU32::new(0);
    #[job]
    async fn looks(events: State<Events>) {
        events.push(format!("turn {}", TURNS.load(Ordering::Relaxed)));
    }
    let bench = Bench::new();
    Looks::dispatch_many(std::iter::repeat_with(Looks::new).take(100)).on(&bench.jobs).await.unwrap();
    let other = tokio::spawn(async {
        loop {
            TURNS.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    bench.app().concurrency(100).run_until_empty().await.unwrap();
    other.abort();
    let mut seen = bench.events.of(&["turn "]);
    seen.dedup();
    assert!(seen.len() > 3, "{seen:?}");
}

/// A future that panics when it is dropped, after it has ended.
struct Bomb(Pin<Box<dyn Future<Output = JobResult> + Send>>);

impl Future for Bomb {
    type Output = JobResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<JobResult> {
        self.0.as_mut().poll(cx)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_its_task_with_it_leaves_those_behind_it_to_others() {
    #[job(middleware = [bombs])]
    async fn passes(events: State<Events>) {
        events.push("passed");
    }
    fn bombs(job: JobContext, next: Next) -> Bomb {
        Bomb(next.run(job))
    }
    let bench = Bench::new();
    Passes::dispatch_many(std::iter::repeat_with(Passes::new).take(10)).on(&bench.jobs).await.unwrap();
    let worker = bench.app().concurrency(2).spawn().await.unwrap();
    bench.events.wait_times("passed", 10).await;
    worker.stop_and_wait().await;
}

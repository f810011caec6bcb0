//! Measures the SQLite store and a worker on it: `cargo run --release -p jobwork-bench -- [JOBS [NAME]]`, where NAME is a part of the
//! names of the measures that are wanted.
//!
//! Every measure begins with an empty file in a temporary directory, with `synchronous=FULL`, and counts that each job
//! ran exactly once. Each is taken five times in turn; the table gives the median and the range.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jobwork::{App, Jobs, Result, WorkerHandle, job};
use tokio::sync::Notify;

/// How often each job has run, by its number, and a word when all have.
static RAN: AtomicU64 = AtomicU64::new(0);
static SUM: AtomicU64 = AtomicU64::new(0);
static DONE: Notify = Notify::const_new();
static EXPECTED: AtomicU64 = AtomicU64::new(u64::MAX);
static LATENCY: std::sync::Mutex<Vec<u64>> = std::sync::Mutex::new(Vec::new());

#[job(retries = 0)]
async fn nothing(number: u64, sent: u64) {
    LATENCY.lock().unwrap().push(since_start().saturating_sub(sent));
    SUM.fetch_add(number, Ordering::Relaxed);
    if RAN.fetch_add(1, Ordering::AcqRel) + 1 == EXPECTED.load(Ordering::Acquire) {
        DONE.notify_one();
    }
}

/// Nanoseconds since the program started.
fn since_start() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// One measure: rate per second, and for those that have it, pick-up p50 and p99 in microseconds.
#[derive(Clone, Copy)]
struct Figure {
    rate: f64,
    latency: Option<(u64, u64)>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let jobs: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    since_start();
    println!("{:<28} {:>12} {:>26} {:>22}", "", "per second", "range", "pick-up p50/p99 µs");
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for (name, measure) in MEASURES.iter().filter(|(name, _)| name.contains(&wanted)) {
        let mut figures = Vec::new();
        for _ in 0..5 {
            figures.push(run(*measure, jobs).await?);
        }
        figures.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let (low, median, high) = (figures[0].rate, figures[2], figures[4].rate);
        let latency = median.latency.map(|(p50, p99)| format!("{p50}/{p99}")).unwrap_or_default();
        println!("{name:<28} {:>12.0} {:>26} {latency:>22}", median.rate, format!("{low:.0}–{high:.0}"));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Measure {
    Dispatch(usize),
    Bulk,
    Drain(usize),
    Due(usize),
    EndToEnd(usize),
    PickUp,
}

const MEASURES: &[(&str, Measure)] = &[
    ("dispatch, 1 task", Measure::Dispatch(1)),
    ("dispatch, 64 tasks", Measure::Dispatch(64)),
    ("dispatch, 512 tasks", Measure::Dispatch(512)),
    ("dispatch in bulk", Measure::Bulk),
    ("drain, 1 at a time", Measure::Drain(1)),
    ("drain, 100 at a time", Measure::Drain(100)),
    ("drain, 1000 at a time", Measure::Drain(1000)),
    ("due at once, 100 at a time", Measure::Due(100)),
    ("due at once, 1000 at a time", Measure::Due(1000)),
    ("end to end, 64 tasks", Measure::EndToEnd(64)),
    ("pick-up, idle worker", Measure::PickUp),
];

async fn run(measure: Measure, count: u64) -> Result<Figure> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let jobs = Jobs::connect(&format!("sqlite:{}", folder.path().join("jobs.db").display())).await?;
    match measure {
        Measure::Dispatch(1) => timed(count / 10, None, dispatch(&jobs, 1, count / 10)).await,
        Measure::Dispatch(tasks) => timed(count, None, dispatch(&jobs, tasks, count)).await,
        Measure::Bulk => timed(count, None, bulk(&jobs, count)).await,
        Measure::Drain(at_once) => {
            bulk(&jobs, count).await?;
            expect(count);
            let begun = Instant::now();
            let worker = worker(&jobs, at_once).await?;
            finish(worker, count, begun).await
        }
        Measure::Due(at_once) => {
            expect(count);
            let worker = worker(&jobs, at_once).await?;
            // Long enough for all of them to be stored before the first is due.
            let wait = Duration::from_secs(1) + Duration::from_micros(30 * count);
            let (due, begun) = (jobs.now() + wait, Instant::now() + wait);
            for some in (0..count).collect::<Vec<_>>().chunks(1_000) {
                let sent = since_start() + begun.saturating_duration_since(Instant::now()).as_nanos() as u64;
                let many = some.iter().map(|number| Nothing::new(*number, sent));
                Nothing::dispatch_many(many).at(due).on(&jobs).await?;
            }
            assert!(Instant::now() < begun, "the jobs are due before all of them are stored");
            finish(worker, count, begun).await
        }
        Measure::EndToEnd(tasks) => {
            expect(count);
            let worker = worker(&jobs, 100).await?;
            let begun = Instant::now();
            dispatch(&jobs, tasks, count).await?;
            finish(worker, count, begun).await
        }
        Measure::PickUp => {
            let count = (count / 100).max(10);
            expect(count);
            let worker = worker(&jobs, 100).await?;
            let begun = Instant::now();
            for number in 0..count {
                Nothing::dispatch(number, since_start()).on(&jobs).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            finish(worker, count, begun).await
        }
    }
}

fn expect(count: u64) {
    RAN.store(0, Ordering::Release);
    SUM.store(0, Ordering::Release);
    LATENCY.lock().unwrap().clear();
    EXPECTED.store(count, Ordering::Release);
}

async fn worker(jobs: &Jobs, at_once: usize) -> Result<WorkerHandle> {
    App::new().jobs(jobs.clone()).concurrency(at_once).spawn().await
}

/// Waits for the last job, and checks that each ran once.
async fn finish(worker: WorkerHandle, count: u64, begun: Instant) -> Result<Figure> {
    DONE.notified().await;
    let elapsed = begun.elapsed();
    let report = worker.stop_and_wait().await;
    assert_eq!((RAN.load(Ordering::Acquire), report.completed), (count, count), "each job runs once");
    assert_eq!(SUM.load(Ordering::Acquire), (0..count).sum::<u64>(), "each job runs once");
    let mut latency = LATENCY.lock().unwrap();
    latency.sort_unstable();
    let at = |share: f64| latency[((latency.len() - 1) as f64 * share) as usize] / 1_000;
    Ok(Figure { rate: count as f64 / elapsed.as_secs_f64(), latency: Some((at(0.5), at(0.99))) })
}

async fn timed(count: u64, latency: Option<(u64, u64)>, work: impl Future<Output = Result<()>>) -> Result<Figure> {
    let begun = Instant::now();
    work.await?;
    Ok(Figure { rate: count as f64 / begun.elapsed().as_secs_f64(), latency })
}

async fn dispatch(jobs: &Jobs, tasks: usize, count: u64) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let mut dispatchers = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (next, jobs) = (Arc::clone(&next), jobs.clone());
        dispatchers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                Nothing::dispatch(number, since_start()).on(&jobs).await?;
            }
        });
    }
    while let Some(done) = dispatchers.join_next().await {
        done.expect("a dispatcher ends")?;
    }
    Ok(())
}

async fn bulk(jobs: &Jobs, count: u64) -> Result<()> {
    let numbers: Vec<u64> = (0..count).collect();
    for some in numbers.chunks(1_000) {
        let many = some.iter().map(|number| Nothing::new(*number, since_start()));
        Nothing::dispatch_many(many).on(jobs).await?;
    }
    Ok(())
}

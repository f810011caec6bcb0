//! What each kind of flow control costs: `cargo run --release -p jobwork-bench --bin limiters -- [JOBS]`.
//!
//! The same no-op jobs are drained from a fresh SQLite file, with `synchronous=FULL`, at a concurrency of 100: without flow control, and
//! with each kind of it. The kinds take turns, five rounds; the table gives the median rate, the range, and the median of
//! the ratios to the plain drain of the same round. Every drain counts that each job ran exactly once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jobwork::{App, Flow, Jobs, Limit, NewJob, Result, Unique, job};
use tokio::sync::Notify;

static RAN: AtomicU64 = AtomicU64::new(0);
static SUM: AtomicU64 = AtomicU64::new(0);
static EXPECTED: AtomicU64 = AtomicU64::new(u64::MAX);
static DONE: Notify = Notify::const_new();

#[job(retries = 0)]
async fn nothing(number: u64) {
    SUM.fetch_add(number, Ordering::Relaxed);
    if RAN.fetch_add(1, Ordering::AcqRel) + 1 == EXPECTED.load(Ordering::Acquire) {
        DONE.notify_one();
    }
}

/// A kind of flow control: its name, and what the job of a number shares with others.
type Kind = (&'static str, fn(u64) -> Flow);

const ROUNDS: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
const KINDS: &[Kind] = &[
    ("none", |_| Flow::default()),
    ("concurrency, one key, never full", |_| Flow::default().limit(Limit::concurrency("all", 1_000_000))),
    ("concurrency, one key, 50 at once", |_| Flow::default().limit(Limit::concurrency("all", 50))),
    ("concurrency, 100 keys, 5 at once", |n| Flow::default().limit(Limit::concurrency(format!("k{}", n % 100), 5))),
    ("rate, one key, never empty", |_| Flow::default().limit(Limit::rate("all", u32::MAX, MINUTE))),
    ("rate, 100 keys, never empty", |n| Flow::default().limit(Limit::rate(format!("k{}", n % 100), u32::MAX, MINUTE))),
    ("unique, a key each", |n| Flow::default().unique(Unique::new(format!("k{n}")))),
    ("ordered, 1000 keys", |n| Flow::default().ordered(format!("k{}", n % 1000))),
];

#[tokio::main]
async fn main() -> Result<()> {
    let jobs: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let mut rates = vec![Vec::new(); KINDS.len()];
    for _ in 0..ROUNDS {
        for (kind, rates) in KINDS.iter().zip(&mut rates) {
            rates.push(drain(kind.1, jobs).await?);
        }
    }
    let plain = rates[0].clone();
    println!("{:<36} {:>12} {:>20} {:>10}", "", "per second", "range", "of plain");
    for ((name, _), rates) in KINDS.iter().zip(rates) {
        let ratio = median(rates.iter().zip(&plain).map(|(rate, plain)| rate / plain).collect());
        let (low, high) = (rates.iter().copied().fold(f64::MAX, f64::min), rates.iter().copied().fold(0.0, f64::max));
        println!("{name:<36} {:>12.0} {:>20} {ratio:>10.2}", median(rates), format!("{low:.0}–{high:.0}"));
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The rate at which a worker drains so many jobs.
async fn drain(flow: fn(u64) -> Flow, count: u64) -> Result<f64> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let jobs = Jobs::connect(&format!("sqlite:{}", folder.path().join("jobs.db").display())).await?;
    dispatch(&jobs, flow, count).await?;
    RAN.store(0, Ordering::Release);
    SUM.store(0, Ordering::Release);
    EXPECTED.store(count, Ordering::Release);
    let begun = Instant::now();
    let worker = App::new().jobs(jobs).concurrency(100).spawn().await?;
    DONE.notified().await;
    let elapsed = begun.elapsed();
    let report = worker.stop_and_wait().await;
    assert_eq!((RAN.load(Ordering::Acquire), report.completed), (count, count), "each job runs once");
    assert_eq!(SUM.load(Ordering::Acquire), (0..count).sum::<u64>(), "each job runs once");
    Ok(count as f64 / elapsed.as_secs_f64())
}

async fn dispatch(jobs: &Jobs, flow: fn(u64) -> Flow, count: u64) -> Result<()> {
    let numbers: Vec<u64> = (0..count).collect();
    for some in numbers.chunks(1_000) {
        let new = some.iter().map(|number| {
            let mut new = NewJob::of::<Nothing>(format!(r#"{{"number":{number}}}"#));
            new.flow = flow(*number);
            new
        });
        jobs.push(new.collect()).await?;
    }
    Ok(())
}

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use jobwork::{App, Jobs, Result, StopReport};

use super::{Counted, release, say};

/// So many tasks dispatch at a time.
const DISPATCHERS: u32 = 50;

/// What the arguments say, each of which is `key=value`.
struct Settings {
    url: String,
    numbers: HashMap<String, u64>,
}

impl Settings {
    fn from_args() -> Self {
        let (mut url, mut numbers) = (String::new(), HashMap::new());
        for arg in std::env::args().skip(1) {
            let Some((key, value)) = arg.split_once('=') else { continue };
            match value.parse() {
                Ok(number) => drop(numbers.insert(key.to_owned(), number)),
                Err(_) => value.clone_into(&mut url),
            }
        }
        Self { url, numbers }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).copied()
    }

    fn millis(&self, key: &str) -> Option<Duration> {
        self.number(key).map(Duration::from_millis)
    }
}

/// Works until a signal ends it, or dispatches `dispatch=` counted jobs; the store is `url=`.
///
/// `grace=` and `lease=` are in milliseconds; `threads=` are the async ones; `slots=` is the concurrency.
///
/// # Panics
/// When no runtime can be started.
#[must_use]
pub fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let settings = Settings::from_args();
    let threads = settings.number("threads").unwrap_or(4) as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let ended = runtime.block_on(async {
        match settings.number("dispatch") {
            Some(count) => dispatch(&settings.url, count as u32).await,
            None => work(&settings).await.map(|report| say(format_args!("report {}", json(&report)))),
        }
    });
    // A job that keeps its thread must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn json(report: &StopReport) -> String {
    serde_json::to_string(report).expect("a report is plain data")
}

async fn work(settings: &Settings) -> Result<StopReport> {
    release::listen();
    let mut app = App::new().jobs(Jobs::connect(&settings.url).await?).signals(true);
    if let Some(grace) = settings.millis("grace") {
        app = app.shutdown_timeout(grace);
    }
    if let Some(lease) = settings.millis("lease") {
        app = app.lease(lease);
    }
    if let Some(slots) = settings.number("slots") {
        app = app.concurrency(slots as usize);
    }
    let worker = app.spawn().await?;
    let mut states = worker.watch_state();
    loop {
        let state = *states.borrow_and_update();
        say(format_args!("state {} {}", state.as_str(), worker.id()));
        tokio::select! {
            biased;
            _ = states.changed() => {}
            report = worker.stopped() => {
                say("stopped");
                return Ok(report);
            }
        }
    }
}

async fn dispatch(url: &str, count: u32) -> Result<()> {
    let jobs = Jobs::connect(url).await?;
    let tasks = (0..DISPATCHERS).map(|first| {
        let jobs = jobs.clone();
        tokio::spawn(async move {
            for number in (first..count).step_by(DISPATCHERS as usize) {
                Counted::dispatch(number).on(&jobs).await?;
            }
            Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("dispatching does not panic")?;
    }
    Ok(())
}

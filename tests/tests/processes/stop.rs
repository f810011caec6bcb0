use std::time::{Duration, Instant};

use jobwork_tests::signalled::{Blind, Finisher, Polite, Swallow};
use rustix::process::Signal;

use super::process::Process;
use super::store::{Store, assert_untouched, result, words};

#[tokio::test]
async fn a_hard_stop_keeps_its_order_and_the_next_process_runs_the_jobs_again() {
    let store = Store::new().await;
    let (a, b) = (store.dispatch(Polite::dispatch("a")).await, store.dispatch(Polite::dispatch("b")).await);
    let mut worker = Process::worker(&store, &["grace=200"]);
    worker.expect("started a");
    worker.expect("started b");
    let asked = Instant::now();
    worker.signal(Signal::TERM);
    worker.expect("signal a shutdown");
    assert!(asked.elapsed() >= Duration::from_millis(200), "the jobs had no grace: {:?}", asked.elapsed());
    worker.report().assert_handed_back(vec![a.id(), b.id()]);
    for job in ["a", "b"] {
        let events = ["started", "signal", "cleaned", "dropped"].map(|event| format!("{event} {job}"));
        let [started, signal, cleaned, dropped] = &events;
        worker.assert_order(&[started, "state draining", signal, cleaned, dropped, "stopped", "report"]);
    }
    for job in [&a, &b] {
        assert_untouched(&job.record().await.unwrap());
        assert_eq!(words(&store, job).await, ["handed back"]);
    }
    let mut next = Process::worker(&store, &[]);
    assert!(next.expect("started a").starts_with("started a attempt 1 rescues 0"));
    assert!(next.expect("started b").starts_with("started b attempt 1 rescues 0"));
    next.release("all");
    for job in [&a, &b] {
        result(job).await;
        assert_eq!(job.record().await.unwrap().attempt, 1);
        assert_eq!(words(&store, job).await, ["handed back"]);
    }
}

#[tokio::test]
async fn an_ok_after_the_signal_counts_only_from_a_job_that_never_looked_or_says_so() {
    let store = Store::new().await;
    let swallow = store.dispatch(Swallow::dispatch("swallow")).await;
    let finisher = store.dispatch(Finisher::dispatch("finisher")).await;
    let blind = store.dispatch(Blind::dispatch("blind")).await;
    let mut worker = Process::worker(&store, &["grace=0"]);
    for job in ["swallow", "finisher", "blind"] {
        worker.expect(&format!("started {job}"));
    }
    worker.signal(Signal::TERM);
    worker.expect("signal swallow shutdown");
    worker.expect("signal finisher shutdown");
    worker.release("blind");
    let report = worker.report();
    assert_eq!(report.completed, 2);
    report.assert_handed_back(vec![swallow.id()]);
    assert_untouched(&swallow.record().await.unwrap());
    result(&finisher).await;
    result(&blind).await;
}

#[tokio::test]
async fn an_idle_worker_stops_at_once() {
    let store = Store::new().await;
    for signal in [Signal::TERM, Signal::INT] {
        let mut worker = Process::worker(&store, &[]);
        let asked = Instant::now();
        worker.signal(signal);
        worker.report().assert_clean(0);
        assert!(asked.elapsed() < Duration::from_secs(5), "{signal:?}: {:?}", asked.elapsed());
        worker.assert_order(&["state running", "state stopped", "stopped", "report"]);
        assert_eq!(worker.errors(), "");
    }
    assert!(store.jobs.inspect().unwrap().workers(store.jobs.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn in_the_grace_time_a_job_finishes_undisturbed() {
    let store = Store::new().await;
    let job = store.dispatch(Polite::dispatch("a")).await;
    let mut worker = Process::worker(&store, &["grace=3600000"]);
    worker.expect("started a");
    worker.signal(Signal::TERM);
    worker.expect("state draining");
    let late = store.dispatch(Polite::dispatch("late")).await;
    worker.release("all");
    let report = worker.report();
    assert_eq!((report.completed, report.abandoned), (1, vec![]));
    assert!(worker.has_seen("returned a") && !worker.has_seen("signal a") && !worker.has_seen("started late"));
    result(&job).await;
    assert_untouched(&late.record().await.unwrap());
}

use std::time::Duration;

use jobwork::Jobs;
use jobwork::store::WorkerState;
use jobwork_tests::signalled::{Deaf, Polite, Seizing, Stubborn, Thorough};
use rustix::process::Signal;

use super::process::Process;
use super::store::{Store, assert_untouched, ready, result, workers};

const FOREVER: &str = "grace=3600000";

#[tokio::test]
async fn the_second_signal_skips_the_grace_and_the_third_exits() {
    let store = Store::new().await;
    let stubborn = store.dispatch(Stubborn::dispatch("stubborn")).await;
    let deaf = store.dispatch(Deaf::dispatch("deaf")).await;
    let polite = store.dispatch(Polite::dispatch("polite")).await;
    let mut worker = Process::worker(&store, &[FOREVER]);
    for job in ["stubborn", "deaf", "polite"] {
        worker.expect(&format!("started {job}"));
    }
    let seizing = store.dispatch(Seizing::dispatch("seizing")).await;
    worker.expect("started seizing");
    worker.signal(Signal::INT);
    worker.expect("state draining");
    worker.signal(Signal::INT);
    worker.expect("signal stubborn shutdown");
    worker.expect("cleaned polite");
    worker.signal(Signal::INT);
    worker.report().assert_handed_back(vec![stubborn.id(), deaf.id(), polite.id(), seizing.id()]);
    worker.assert_order(&["state draining", "signal stubborn", "stopped", "report"]);
    for record in [stubborn.record().await, deaf.record().await, polite.record().await, seizing.record().await] {
        assert_untouched(&record.unwrap());
    }
    let mut next = Process::worker(&store, &[]);
    for job in ["stubborn", "deaf", "polite", "seizing"] {
        let started = next.expect(&format!("started {job}"));
        assert!(started.contains(" attempt 1 rescues 0 "), "{started}");
    }
}

#[tokio::test]
async fn a_second_signal_after_the_grace_leaves_the_jobs_their_cleanup() {
    let store = Store::new().await;
    let job = store.dispatch(Thorough::dispatch("a")).await;
    let mut worker = Process::worker(&store, &["grace=0", "lease=1000"]);
    worker.expect("started a");
    worker.signal(Signal::INT);
    worker.expect("signal a shutdown");
    worker.signal(Signal::INT);
    // What beats after the signal has heard it.
    let sent = store.jobs.now();
    store
        .until(async |jobs| {
            (workers(jobs).await.first().expect("the worker stays for the cleanup").last_beat
                > sent + Duration::from_secs(1))
            .then_some(())
        })
        .await;
    worker.release("a");
    worker.report().assert_handed_back(vec![job.id()]);
    worker.assert_order(&["signal a", "cleaned a", "stopped"]);
}

#[tokio::test]
async fn a_quiet_worker_goes_on_with_what_it_has_and_claims_nothing_until_it_resumes() {
    let store = Store::new().await;
    let first = store.dispatch(Polite::dispatch("first")).await;
    let mut worker = Process::worker(&store, &[]);
    worker.expect("started first");
    worker.signal(Signal::TSTP);
    worker.expect("state quiet");
    let second = store.dispatch(Polite::dispatch("second")).await;
    worker.release("all");
    result(&first).await;
    let quiet = async |jobs: &Jobs| {
        let workers = workers(jobs).await;
        (workers[0].state == WorkerState::Quiet).then_some(())
    };
    store.until(quiet).await;
    assert!(!worker.has_seen("signal first"));
    // A claim that was on its way when the signal came is given back.
    assert_untouched(&store.until(async |_| ready(&second).await).await);
    worker.signal(Signal::CONT);
    worker.expect("started second");
    worker.assert_order(&["state quiet", "returned first", "started second"]);
    result(&second).await;
}

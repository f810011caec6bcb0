use jobwork_tests::signalled::Import;
use rustix::process::Signal;

use super::process::Process;
use super::store::{Store, result};

#[tokio::test]
async fn a_job_goes_on_from_its_checkpoint_when_its_worker_was_killed() {
    let store = Store::new().await;
    let job = store.dispatch(Import::dispatch("rows")).await;
    let mut dying = Process::worker(&store, &[]);
    dying.expect("started rows after 0");
    dying.expect("waits rows");
    let progress = store.until(async |_| job.progress().await.unwrap()).await;
    assert!(progress.fraction() > 0.0 && progress.message().starts_with("step "), "{progress:?}");
    dying.signal(Signal::KILL);
    dying.exited();
    let mut next = Process::worker(&store, &[]);
    next.expect("started rows after 2");
    next.release("rows");
    assert_eq!(result(&job).await, 2);
    assert_eq!(job.progress().await.unwrap().unwrap().message(), "step 5");
}

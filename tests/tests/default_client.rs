//! The client of code that names none. One test, because it is about a thing that a process has only one of.

use jobwork::{JobState, Jobs, job};
use jobwork_tests::Bench;

#[job]
async fn nothing() {}

#[tokio::test(start_paused = true)]
async fn outside_of_jobs_it_is_the_one_that_was_made_the_default() {
    let (one, other) = (Bench::new(), Bench::new());
    // The first worker of a process brings a default, where nobody has set one.
    one.app().run_until_empty().await.unwrap();
    let job = Nothing::dispatch().await.unwrap();
    assert_eq!(one.record(job.id()).await.state, JobState::Ready);
    // A later one does not change it, but whoever asks for it does.
    other.app().run_until_empty().await.unwrap();
    Nothing::dispatch().await.unwrap();
    assert_eq!(one.events.count("push 1"), 2);
    other.jobs.make_default();
    Jobs::current().await.unwrap().push(Vec::new()).await.unwrap();
    Nothing::dispatch().await.unwrap();
    assert_eq!((one.events.count("push 1"), other.events.count("push 1")), (2, 1));
}

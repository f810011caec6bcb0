//! Changes of many jobs at once, on both stores.

use std::sync::Arc;

use jobwork::store::Filter;
use jobwork::store::memory::Memory;
use jobwork::{JobId, JobState, Jobs, Membership, NewJob, Wait};

/// A client of each store, and what must outlive it.
async fn clients() -> (Vec<Jobs>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Jobs::connect(&format!("sqlite:{}", folder.path().join("jobs.db").display())).await.unwrap();
    (vec![Jobs::new(Arc::new(Memory::new())), sqlite], folder)
}

fn in_queue(queue: &'static str) -> NewJob {
    let mut job = NewJob::new("job", "{}");
    job.queue = queue.into();
    job
}

fn of_queue(queue: &str) -> Filter {
    Filter { queue: Some(queue.to_owned()), ..Filter::default() }
}

fn of_state(state: JobState) -> Filter {
    Filter { states: vec![state], ..Filter::default() }
}

async fn states(jobs: &Jobs, ids: &[JobId]) -> Vec<JobState> {
    let mut states = Vec::new();
    for id in ids {
        states.push(jobs.get(*id).await.unwrap().unwrap().state);
    }
    states
}

#[tokio::test]
async fn many_are_changed_in_steps_and_counted() {
    let (clients, _folder) = clients().await;
    for jobs in clients {
        let other = jobs.push(vec![in_queue("other")]).await.unwrap();
        jobs.push(vec![in_queue("mail"); 450]).await.unwrap();
        let all = of_queue("mail");
        assert_eq!(jobs.cancel_all(&all).await.unwrap(), 450);
        assert_eq!(jobs.cancel_all(&all).await.unwrap(), 0);
        assert_eq!(jobs.retry_all(&all).await.unwrap(), 450);
        assert_eq!(jobs.retry_all(&all).await.unwrap(), 0);
        assert_eq!(jobs.requeue_all(&all, "slow").await.unwrap(), 450);
        assert_eq!(jobs.requeue_all(&all, "slow").await.unwrap(), 0);
        let some = Filter { limit: Some(250), ..of_queue("slow") };
        assert_eq!(jobs.delete_all(&some).await.unwrap(), 250);
        assert_eq!(jobs.delete_all(&of_queue("slow")).await.unwrap(), 200);
        let left: Vec<_> = jobs.list(&Filter::default()).await.unwrap().into_iter().map(|job| job.id).collect();
        assert_eq!(left, other);
    }
}

#[tokio::test]
async fn a_change_that_leaves_jobs_in_the_filter_ends() {
    let (clients, _folder) = clients().await;
    for jobs in clients {
        jobs.push(vec![in_queue("slow"); 450]).await.unwrap();
        assert_eq!(jobs.requeue_all(&of_queue("slow"), "slow").await.unwrap(), 450);
    }
}

#[tokio::test]
async fn a_change_is_made_only_to_states_that_it_is_for() {
    let (clients, _folder) = clients().await;
    for jobs in clients {
        let ids = jobs.push(vec![in_queue("mail")]).await.unwrap();
        assert_eq!(jobs.retry_all(&of_state(JobState::Ready)).await.unwrap(), 0);
        assert_eq!(jobs.cancel_all(&of_state(JobState::Dead)).await.unwrap(), 0);
        assert_eq!(states(&jobs, &ids).await, [JobState::Ready]);
        assert_eq!(jobs.delete_all(&Filter::default()).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn whole_chains_are_cancelled_and_retried() {
    let (clients, _folder) = clients().await;
    for jobs in clients {
        let member = |position: u32| {
            let mut job = in_queue("mail");
            job.waits =
                (1..=position).last().map(|place| Wait { on: place as usize - 1, slot: None }).into_iter().collect();
            job.chain = Some(Membership { first: 0, position, on_error: None });
            job
        };
        let ids = jobs.push((0..3).map(member).collect()).await.unwrap();
        assert_eq!(jobs.cancel_all(&Filter::default()).await.unwrap(), 3);
        assert_eq!(states(&jobs, &ids).await, [JobState::Cancelled; 3]);
        for _ in 0..3 {
            jobs.retry_all(&Filter::default()).await.unwrap();
        }
        assert_eq!(states(&jobs, &ids).await, [JobState::Ready, JobState::Waiting, JobState::Waiting]);
    }
}

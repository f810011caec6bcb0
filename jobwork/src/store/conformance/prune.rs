#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::job::{DeadReason, JobId, JobState, LogLevel, LogLine, NewJob, Note, Outcome, WorkerId};
use crate::store::{Keep, Prune, Retention, Store};

impl Case {
    async fn prune(&self, retention: Retention) -> usize {
        self.prune_at_most(retention, 100).await
    }

    async fn prune_at_most(&self, retention: Retention, limit: usize) -> usize {
        let upkeep = self.store.upkeep().expect("this case needs a store with upkeep");
        upkeep.prune(Prune { retention: Arc::new(retention), limit, now: self.now }).await.unwrap()
    }

    /// A job that has just ended so.
    async fn ended(&self, job: NewJob, worker: WorkerId, outcome: Outcome) -> JobId {
        let id = self.push_one(job).await;
        let lease = self.start(id, worker).await;
        self.settle(lease, outcome).await;
        id
    }

    /// Which of these are still there.
    async fn left(&self, jobs: &[JobId]) -> Vec<bool> {
        let found = self.inspect().get(jobs, self.now).await.unwrap();
        found.into_iter().map(|job| job.is_some()).collect()
    }
}

fn ends() -> [Outcome; 4] {
    [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)]
}

fn all(keep: Keep) -> Retention {
    Retention::forever().completed(keep).cancelled(keep).discarded(keep).dead(keep)
}

fn retained(retain: Duration) -> NewJob {
    NewJob { retain: Some(retain), ..job() }
}

pub async fn a_job_is_kept_for_its_states_time_and_no_longer(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for outcome in ends() {
        ids.push(case.ended(job(), worker, outcome).await);
    }
    let after = |seconds| Keep::for_time(SECOND * seconds);
    let retention = Retention::forever().completed(after(1)).cancelled(after(2)).discarded(after(3)).dead(after(4));
    assert_eq!(case.prune(retention.clone()).await, 0);
    for gone in 0..4 {
        case.pass(SECOND - Duration::from_millis(1));
        assert_eq!(case.prune(retention.clone()).await, 0);
        case.pass(Duration::from_millis(1));
        assert_eq!(case.prune(retention.clone()).await, 1);
        let left: Vec<bool> = (0..4).map(|place| place > gone).collect();
        assert_eq!(case.left(&ids).await, left);
    }
}

pub async fn the_newest_of_each_name_and_state_are_kept_by_count(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        for name in ["first", "second"] {
            ids.push(case.ended(named(name), worker, dead(DeadReason::Exhausted)).await);
        }
    }
    let other = case.ended(named("first"), worker, completed("1")).await;
    assert_eq!(case.prune(all(Keep::forever().at_most(2))).await, 2);
    assert_eq!(case.left(&ids).await, [false, false, true, true, true, true]);
    assert_eq!(case.prune(all(Keep::forever().at_most(0))).await, 5);
    assert_eq!(case.left(&[other]).await, [false]);
}

pub async fn the_count_and_the_age_hold_both(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(case.ended(job(), worker, completed("1")).await);
        case.pass(SECOND);
    }
    assert_eq!(case.prune(all(Keep::for_time(SECOND * 2).at_most(3))).await, 3);
    assert_eq!(case.left(&ids).await, [false, false, false, true]);
    case.ended(job(), worker, completed("1")).await;
    assert_eq!(case.prune(all(Keep::for_time(HOUR).at_most(1))).await, 1);
}

pub async fn a_jobs_own_time_counts_and_no_other(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for outcome in ends() {
        ids.push(case.ended(retained(HOUR), worker, outcome).await);
    }
    assert_eq!(case.prune(all(Keep::for_time(Duration::ZERO).at_most(0))).await, 0);
    case.pass(HOUR - SECOND);
    assert_eq!(case.prune(Retention::forever()).await, 0);
    case.pass(SECOND);
    assert_eq!(case.prune(Retention::forever()).await, 4);
    assert_eq!(case.left(&ids).await, [false; 4]);
}

pub async fn a_name_can_have_a_rule_of_its_own(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for name in ["first", "second", "third"] {
        ids.push(case.ended(named(name), worker, completed("1")).await);
    }
    case.pass(SECOND);
    let retention = all(Keep::for_time(SECOND)).job("second", Retention::forever());
    assert_eq!(case.prune(retention).await, 2);
    assert_eq!(case.left(&ids).await, [false, true, false]);
    assert_eq!(case.prune(Retention::forever().job("second", all(Keep::for_time(SECOND)))).await, 1);
}

pub async fn a_job_of_a_clock_that_ran_ahead_keeps_no_other_from_being_pruned(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let (worker, now) = (case.join().await, case.now);
    case.now = case.in_an_hour();
    let ahead = case.push_one(job()).await;
    case.now = now;
    let ended = case.ended(job(), worker, completed("1")).await;
    case.pass(SECOND);
    assert_eq!(case.prune(all(Keep::for_time(SECOND))).await, 1);
    assert_eq!(case.left(&[ahead, ended]).await, [true, false]);
}

pub async fn a_completed_job_is_counted_until_it_is_retried_deleted_or_pruned(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(case.ended(job(), worker, completed("1")).await);
    }
    let completed = async |case: &Case| case.inspect().counts(case.now).await.unwrap().completed;
    assert_eq!(completed(&case).await, 3);
    assert!(case.retry(ids[0]).await);
    assert_eq!(completed(&case).await, 2);
    assert!(case.delete(ids[1]).await);
    assert_eq!(completed(&case).await, 1);
    case.pass(SECOND);
    assert_eq!(case.prune(all(Keep::for_time(SECOND))).await, 1);
    assert_eq!(completed(&case).await, 0);
}

pub async fn what_has_not_ended_is_never_pruned(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(vec![retained(SECOND), after_job(0), due(case.in_an_hour()), job()]).await;
    let lease = case.start(ids[0], worker).await;
    case.pass(HOUR * 1000);
    assert_eq!(case.prune(all(Keep::for_time(Duration::ZERO).at_most(0))).await, 0);
    case.settle(lease, failed(case.now)).await;
    assert_eq!(case.prune(all(Keep::for_time(Duration::ZERO).at_most(0))).await, 0);
    assert_eq!(case.left(&ids).await, [true; 4]);
}

pub async fn a_job_that_was_retried_is_kept_anew(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let id = case.ended(job(), worker, dead(DeadReason::Exhausted)).await;
    case.pass(HOUR);
    assert!(case.retry(id).await);
    assert_eq!(case.prune(all(Keep::for_time(HOUR))).await, 0);
    let lease = case.start(id, worker).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.prune(all(Keep::for_time(HOUR))).await, 0);
    case.pass(HOUR);
    assert_eq!(case.prune(all(Keep::for_time(HOUR))).await, 1);
}

pub async fn a_step_prunes_at_most_its_limit_the_oldest_first(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(case.ended(job(), worker, completed("1")).await);
        case.pass(SECOND);
    }
    assert_eq!(case.prune_at_most(all(Keep::for_time(SECOND)), 2).await, 2);
    assert_eq!(case.left(&ids).await, [false, false, true, true, true]);
    assert_eq!(case.prune_at_most(all(Keep::for_time(SECOND)), 2).await, 2);
    assert_eq!(case.prune_at_most(all(Keep::for_time(SECOND)), 2).await, 1);
    assert_eq!(case.prune_at_most(all(Keep::for_time(SECOND)), 2).await, 0);
}

pub async fn a_pruned_job_takes_all_that_was_kept_of_it_along(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let line = LogLine::new(1, case.now, LogLevel::Info, "text");
    let notes = case.store.notes().expect("this case needs a store with notes");
    notes.note(Arc::new([Note { log: vec![line], ..Note::new(lease) }])).await.unwrap();
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.prune(all(Keep::for_time(Duration::ZERO))).await, 1);
    assert_eq!(case.history(lease.job).await, []);
    assert_eq!(case.inspect().log(lease.job).await.unwrap(), []);
}

pub async fn pruning_a_completed_member_leaves_the_rest_waiting(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.prune(all(Keep::for_time(Duration::ZERO))).await, 1);
    assert_eq!(case.states(&ids[1..]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn pruning_a_dead_member_cancels_those_it_blocked(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ids = case.push(chain(3)).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.prune_at_most(Retention::forever().dead(Keep::for_time(Duration::ZERO)), 9).await, 1);
    assert_eq!(case.states(&ids[1..]).await, [JobState::Cancelled; 2]);
}

pub async fn a_job_that_is_kept_for_no_time_is_gone_when_it_completes(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let mut jobs = chain(2);
    jobs[0].retain = Some(Duration::ZERO);
    let ids = case.push(jobs).await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("7")).await;
    assert_eq!(case.left(&ids).await, [false, true]);
    assert_eq!(case.claim_one(worker).await.args, r#"{"input":7}"#, "the next member has its output");
    let failed = case.ended(retained(Duration::ZERO), worker, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.state(failed).await, JobState::Dead);
    assert_eq!(case.prune(Retention::forever()).await, 1);
}

pub async fn ended_jobs_are_counted_whatever_they_say_of_their_time(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in ends() {
        case.ended(job(), worker, outcome.clone()).await;
        case.ended(retained(HOUR), worker, outcome).await;
    }
    let counts = case.inspect().counts(case.now).await.unwrap();
    assert_eq!([counts.completed, counts.cancelled, counts.discarded, counts.dead], [2; 4]);
}

pub async fn the_default_keeps_a_week_and_the_dead_half_a_year(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for outcome in ends() {
        case.ended(job(), worker, outcome).await;
    }
    for (days, pruned) in [(6, 0), (1, 3), (172, 0), (1, 1)] {
        case.pass(HOUR * 24 * days);
        assert_eq!(case.prune(Retention::default()).await, pruned);
    }
}

pub async fn pruners_at_once_forget_each_job_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for _ in 0..40 {
        case.ended(job(), worker, completed("1")).await;
    }
    let mut pruners = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let case = case.clone();
        pruners.spawn(async move { case.prune(all(Keep::for_time(Duration::ZERO))).await });
    }
    assert_eq!(pruners.join_all().await.into_iter().sum::<usize>(), 40);
}

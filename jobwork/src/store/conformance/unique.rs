#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;
use std::time::Duration;

use super::case::*;
use crate::Error;
use crate::job::JobState::{Completed, Discarded, Ready, Running};
use crate::job::{DeadReason, Flow, JobState, NewJob, OnConflict, Outcome, Unique, UniqueStates};
use crate::store::{BeatKind, Push, Pushed, Store};

const EVERY_SET: [UniqueStates; 4] =
    [UniqueStates::UNTIL_STARTED, UniqueStates::UNTIL_ENDED, UniqueStates::UNLESS_FAILED, UniqueStates::ALWAYS];

pub(super) fn unique(unique: Unique) -> NewJob {
    NewJob { flow: Flow::default().unique(unique), ..job() }
}

pub(super) fn keyed(key: &str) -> NewJob {
    unique(Unique::new(key))
}

pub(super) fn replacing(args: bool, schedule: bool, at_most: Option<Duration>) -> Unique {
    Unique::new("k").on_conflict(OnConflict::Replace { args, schedule, at_most })
}

impl Case {
    pub(super) async fn offer(&self, job: NewJob) -> Pushed {
        self.push_all(Push::of(vec![job], self.now)).await.jobs[0]
    }

    /// Whether a job could have this key now; looks by dispatching one and deleting it.
    pub(super) async fn is_free(&self, key: &str) -> bool {
        let offered = self.offer(NewJob { run_at: Some(self.in_an_hour()), ..keyed(key) }).await;
        if offered.is_new() {
            assert!(self.delete(offered.id()).await);
        }
        offered.is_new()
    }

    async fn refused(&self, jobs: Vec<NewJob>) -> (String, Option<crate::JobId>) {
        let before = self.inspect().counts(self.now).await.unwrap();
        let refused = self.store.push(Push::of(jobs, self.now)).await.unwrap_err();
        assert_eq!(self.inspect().counts(self.now).await.unwrap(), before, "nothing of it is stored");
        let Error::Duplicate { job, existing } = refused else { panic!("expected a duplicate, found {refused}") };
        (job, existing)
    }
}

pub async fn a_second_job_of_a_key_is_the_first(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    assert_eq!(case.offer(NewJob { args: "[]".to_owned(), ..keyed("k") }).await, Pushed::Existing(first));
    assert_eq!(case.inspect().counts(case.now).await.unwrap().open(), 1);
    assert_eq!(case.record(first).await.args, "{}");
}

pub async fn a_job_tells_the_key_it_was_dispatched_with(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let first = case.push_one(keyed("k")).await;
    assert_eq!(case.record(first).await.unique_key.as_deref(), Some("k"));
    case.settle(case.start(first, worker).await, completed("1")).await;
    assert_eq!(case.record(first).await.unique_key.as_deref(), Some("k"), "also when it has given it up");
    let plain = case.push_one(job()).await;
    assert_eq!(case.record(plain).await.unique_key, None);
}

pub async fn keys_are_taken_as_they_are_and_whole(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let long = "k".repeat(100_000);
    for key in ["k", "K", "k ", "", "kk", "ß", "k\0k", &long] {
        assert!(case.offer(keyed(key)).await.is_new(), "{key:?}");
        assert!(!case.offer(keyed(key)).await.is_new(), "{key:?}");
    }
}

pub async fn a_key_is_kept_while_the_job_may_run_again(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let first = case.push_one(keyed("k")).await;
    for outcome in [failed(case.in_an_hour()), Outcome::Snoozed { until: case.in_an_hour() }, handed_back()] {
        let lease = case.start(first, worker).await;
        assert!(!case.is_free("k").await, "while it runs");
        case.settle(lease, outcome.clone()).await;
        assert!(!case.is_free("k").await, "after {outcome:?}");
        case.retry(first).await;
        assert!(!case.is_free("k").await, "after a retry by hand");
    }
    case.start(first, worker).await;
    case.beat(worker, BeatKind::Leave).await;
    assert!(!case.is_free("k").await, "after its worker left");
    case.die_running(first).await;
    assert_eq!(case.rescue().await, [first]);
    assert!(!case.is_free("k").await, "after a rescue");
}

pub async fn a_key_is_given_up_by_the_end_that_its_states_say(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ends = [completed("1"), cancelled(), discarded(), dead(DeadReason::Exhausted)];
    for states in EVERY_SET {
        for (index, outcome) in ends.iter().enumerate() {
            let key = format!("{states:?} {index}");
            let first = case.push_one(unique(Unique::new(&key).states(states))).await;
            case.settle(case.start(first, worker).await, outcome.clone()).await;
            let kept = states.contains(case.state(first).await);
            assert_eq!(case.is_free(&key).await, !kept, "{states:?} {outcome:?}");
        }
    }
}

pub async fn a_key_is_given_up_when_the_job_is_cancelled_before_it_starts(store: Arc<dyn Store>) {
    let case = Case::new(store);
    for states in EVERY_SET {
        let key = format!("{states:?}");
        let new = unique(Unique::new(&key).states(states));
        let ids = case.push(vec![job(), NewJob { waits: after_job(0).waits, ..new }]).await;
        case.cancel(ids[1]).await;
        assert_eq!(case.is_free(&key).await, states != UniqueStates::ALWAYS);
    }
}

pub async fn a_key_is_given_up_when_the_job_is_cancelled_with_its_chain(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(3);
    push[2].flow = Flow::default().unique(Unique::new("k"));
    let ids = case.push(push).await;
    case.cancel(ids[0]).await;
    assert!(case.is_free("k").await);
}

pub async fn a_poison_pill_gives_its_key_up(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    case.die_running(first).await;
    case.rescue_until(1).await;
    assert!(case.is_free("k").await);
}

pub async fn a_key_until_the_start_is_given_up_for_good(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let new = unique(Unique::new("k").states(UniqueStates::UNTIL_STARTED));
    let first = case.push_one(new.clone()).await;
    assert!(!case.is_free("k").await);
    let lease = case.start(first, worker).await;
    assert!(case.is_free("k").await);
    case.settle(lease, failed(case.in_an_hour())).await;
    assert!(case.is_free("k").await, "when it waits for its next attempt");
    let second = case.offer(new).await;
    assert!(second.is_new());
    assert!(case.retry(first).await, "one that is on its way doesn't ask for its key");
    assert_eq!(case.states(&[first, second.id()]).await, [Ready, Ready]);
}

pub async fn a_deleted_job_has_its_key_no_more(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let always = unique(Unique::new("k").states(UniqueStates::ALWAYS));
    let first = case.push_one(always.clone()).await;
    case.settle(case.start(first, worker).await, completed("1")).await;
    assert!(!case.is_free("k").await);
    case.delete(first).await;
    assert!(case.is_free("k").await);
    let waiting = case.push_one(always).await;
    case.delete(waiting).await;
    assert!(case.is_free("k").await);
}

pub async fn a_key_is_given_up_when_its_window_is_over(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    for states in EVERY_SET {
        let new = unique(Unique::new(format!("{states:?}")).states(states).window(HOUR));
        let first = case.push_one(new.clone()).await;
        case.pass(HOUR - Duration::from_millis(1));
        assert_eq!(case.offer(new.clone()).await, Pushed::Existing(first));
        case.pass(Duration::from_millis(1));
        let second = case.offer(new.clone()).await;
        assert!(second.is_new());
        assert_eq!(case.offer(new).await, Pushed::Existing(second.id()));
        for job in case.claim(worker, 9).await {
            case.settle(job.lease, completed("1")).await;
        }
    }
}

pub async fn the_end_of_a_job_whose_window_is_over_leaves_the_next_holder_alone(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let new = unique(Unique::new("k").window(HOUR));
    let lease = case.start(case.push_one(new.clone()).await, worker).await;
    case.pass(HOUR);
    case.beat(worker, BeatKind::Live).await;
    let second = case.push_one(new).await;
    case.settle(lease, completed("1")).await;
    assert!(!case.is_free("k").await);
    case.delete(lease.job).await;
    assert!(!case.is_free("k").await);
    case.delete(second).await;
    assert!(case.is_free("k").await);
}

pub async fn a_throttled_key_has_one_job_a_window(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let new = unique(Unique::throttle("k", HOUR));
    let first = case.push_one(new.clone()).await;
    case.settle(case.start(first, worker).await, dead(DeadReason::Exhausted)).await;
    assert_eq!(case.offer(new.clone()).await, Pushed::Existing(first), "also when it has ended");
    case.pass(HOUR);
    assert!(case.offer(new).await.is_new());
}

pub async fn a_conflict_that_is_an_error_stores_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    let strict = NewJob { name: "second".into(), ..unique(Unique::new("k").on_conflict(OnConflict::Error)) };
    let refused = case.refused(vec![job(), keyed("other"), strict]).await;
    assert_eq!(refused, ("second".to_owned(), Some(first)));
    assert!(case.is_free("other").await);
}

pub async fn a_conflict_that_is_an_error_undoes_what_the_push_replaced(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    let before = case.record(first).await;
    let replace = NewJob { args: "[1]".to_owned(), ..unique(replacing(true, true, None)) };
    case.refused(vec![replace, unique(Unique::new("k").on_conflict(OnConflict::Error))]).await;
    assert_eq!(case.record(first).await, before);
}

pub async fn jobs_of_one_push_with_one_key_are_one_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let with = |args: &str, unique: Unique| NewJob { args: args.to_owned(), ..self::unique(unique) };
    let push = vec![
        with("[0]", Unique::new("k")),
        job(),
        with("[1]", Unique::new("k")),
        with("[2]", replacing(true, false, None)),
    ];
    let stored = case.push_all(Push::of(push, case.now)).await.jobs;
    let first = stored[0].id();
    let existing = Pushed::Existing(first);
    assert_eq!(stored, [Pushed::New(first), Pushed::New(stored[1].id()), existing, existing]);
    assert_ne!(stored[1].id(), first);
    assert_eq!(case.record(first).await.args, "[2]");
    assert_eq!(case.inspect().counts(case.now).await.unwrap().open(), 2);
}

pub async fn two_jobs_of_a_push_with_a_key_that_may_not_conflict_are_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let strict = unique(Unique::new("k").on_conflict(OnConflict::Error));
    assert_eq!(case.refused(vec![strict.clone(), strict.clone()]).await, ("job".to_owned(), None));
    assert!(case.offer(strict).await.is_new());
}

pub async fn ids_after_a_skipped_job_are_new_ones(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push(vec![keyed("k"), keyed("k"), keyed("k")]).await;
    let more = case.push(vec![job(), keyed("k"), job()]).await;
    assert_eq!([first[1], first[2], more[1]], [first[0]; 3]);
    let mut ids = vec![first[0], more[0], more[2]];
    ids.dedup();
    assert_eq!((ids.len(), ids.is_sorted()), (3, true));
    assert_eq!(case.claim(case.join().await, 9).await.iter().map(|job| job.lease.job).collect::<Vec<_>>(), ids);
}

pub async fn a_chain_one_of_whose_members_exists_is_refused(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    for on_conflict in [Unique::new("k"), replacing(true, true, None), Unique::debounce("k")] {
        for member in 0..3 {
            let mut push = chain(3);
            push[member].flow = Flow::default().unique(on_conflict.clone());
            assert_eq!(case.refused(push).await, ("job".to_owned(), Some(first)));
        }
    }
}

pub async fn a_job_that_others_wait_for_is_not_left_out(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let first = case.push_one(keyed("k")).await;
    assert_eq!(case.refused(vec![keyed("k"), after_job(0)]).await, ("job".to_owned(), Some(first)));
}

pub async fn the_key_of_a_member_is_its_own_from_dispatch_on(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(2);
    push[1].flow = Flow::default().unique(Unique::new("k"));
    let ids = case.push(push).await;
    assert_eq!(case.offer(keyed("k")).await, Pushed::Existing(ids[1]));
}

pub async fn a_thousand_keys_in_one_push_are_told_apart(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let push: Vec<NewJob> = (0..2000).map(|n| keyed(&format!("{}", n % 1000))).collect();
    let stored = case.push_all(Push::of(push, case.now)).await.jobs;
    assert_eq!(stored.iter().filter(|job| job.is_new()).count(), 1000);
    assert!(stored[..1000].iter().zip(&stored[1000..]).all(|(new, existing)| new.id() == existing.id()));
}

pub async fn a_running_holder_lets_no_second_in_and_its_end_does(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let first = case.push_one(keyed("k")).await;
    let lease = case.start(first, worker).await;
    assert_eq!(case.offer(keyed("k")).await, Pushed::Existing(first));
    assert_eq!(case.state(first).await, Running);
    case.settle(lease, completed("1")).await;
    let second = case.offer(keyed("k")).await;
    assert!(second.is_new());
    assert_eq!(case.states(&[first, second.id()]).await, [Completed, JobState::Ready]);
}

pub async fn a_holder_that_has_expired_makes_room(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    for (states, kept) in [(UniqueStates::UNTIL_ENDED, false), (UniqueStates::ALWAYS, true)] {
        let new = unique(Unique::new("k").states(states));
        let first = case.push_one(NewJob { expires_at: Some(case.in_an_hour()), ..new.clone() }).await;
        case.pass(HOUR);
        let second = case.offer(new).await;
        assert_eq!((second.id() == first, second.is_new()), (kept, !kept), "{states:?}");
        assert_eq!(case.state(first).await, Discarded);
        case.delete(second.id()).await;
    }
}

#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{JobState, WorkerId};
use crate::store::{Beat, BeatKind, Command, Settled, Signals, Store, WorkerRecord, WorkerState};

fn gone() -> Signals {
    Signals { gone: true, ..Signals::default() }
}

async fn workers(case: &Case) -> Vec<WorkerRecord> {
    case.inspect().workers(case.now).await.unwrap()
}

pub async fn a_worker_that_joined_is_listed(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(workers(&case).await, []);
    let worker = case.join().await;
    let beat = case.beat_of(worker, BeatKind::Join);
    let expected = WorkerRecord {
        info: (*beat.worker).clone(),
        state: WorkerState::Running,
        running: 0,
        last_beat: case.now,
        expires_at: after(case.now, LEASE),
    };
    assert_eq!(workers(&case).await, [expected]);
}

pub async fn several_workers_are_listed_each_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut joined = [case.join().await, case.join().await, case.join().await];
    for worker in joined {
        case.beat(worker, BeatKind::Live).await;
    }
    let mut listed: Vec<WorkerId> = workers(&case).await.into_iter().map(|worker| worker.info.id).collect();
    joined.sort();
    listed.sort();
    assert_eq!(listed, joined);
}

pub async fn a_beat_renews_the_lease_and_tells_what_the_worker_does(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.pass(SECOND * 10);
    let beat = Beat { state: WorkerState::Draining, running: 3, ..case.beat_of(worker, BeatKind::Live) };
    assert_eq!(case.store.beat(beat).await.unwrap(), Signals::default());
    let listed = workers(&case).await.remove(0);
    assert_eq!((listed.state, listed.running), (WorkerState::Draining, 3));
    assert_eq!(listed.expires_at, after(case.now, LEASE));
}

pub async fn a_worker_that_beats_is_never_taken_for_dead(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    for _ in 0..20 {
        case.pass(LEASE - SECOND);
        assert_eq!(case.rescue().await, []);
        assert_eq!(case.beat(worker, BeatKind::Live).await, Signals::default());
    }
    case.settle(lease, completed("1")).await;
}

pub async fn a_late_beat_saves_a_worker_that_nobody_declared_dead(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.pass(LEASE * 2);
    assert_eq!(case.beat(worker, BeatKind::Live).await, Signals::default());
    assert_eq!(case.rescue().await, []);
    case.settle(lease, completed("1")).await;
}

pub async fn a_worker_that_was_declared_dead_is_told_so(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    case.pass(LEASE);
    case.rescue().await;
    assert_eq!(case.beat(worker, BeatKind::Live).await, gone());
    assert_eq!(case.beat(worker, BeatKind::Live).await, gone());
    assert_eq!(workers(&case).await, []);
}

pub async fn a_beat_of_an_unknown_worker_is_told_gone(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(case.beat(WorkerId::fresh(), BeatKind::Live).await, gone());
    assert_eq!(workers(&case).await, []);
}

pub async fn a_worker_that_leaves_is_forgotten(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (leaving, staying) = (case.join().await, case.join().await);
    assert_eq!(case.beat(leaving, BeatKind::Leave).await, Signals::default());
    let listed: Vec<WorkerId> = workers(&case).await.into_iter().map(|worker| worker.info.id).collect();
    assert_eq!(listed, [staying]);
    assert_eq!(case.beat(leaving, BeatKind::Live).await, gone());
}

pub async fn a_worker_that_leaves_gives_its_jobs_back_at_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (leaving, staying) = (case.join().await, case.join().await);
    let kept = case.running(staying).await;
    let lease = case.running(leaving).await;
    case.beat(leaving, BeatKind::Leave).await;
    let job = case.record(lease.job).await;
    assert_eq!((job.state, job.attempt, job.rescues, job.worker), (JobState::Ready, 0, 0, None));
    assert_eq!(case.state(kept.job).await, JobState::Running);
    assert_eq!(case.finish(lease, completed("1")).await, Settled::Lost);
    assert_eq!(case.start(lease.job, staying).await.attempt, 1);
}

pub async fn leaving_never_makes_a_poison_pill(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let job = case.push_one(job()).await;
    for _ in 0..10 {
        let worker = case.join().await;
        case.start(job, worker).await;
        case.beat(worker, BeatKind::Leave).await;
    }
    assert_eq!(case.rescue().await, []);
    assert_eq!((case.state(job).await, case.record(job).await.rescues), (JobState::Ready, 0));
}

pub async fn a_job_to_be_cancelled_is_cancelled_when_its_worker_leaves(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.cancel(lease.job).await;
    case.beat(worker, BeatKind::Leave).await;
    assert_eq!(case.state(lease.job).await, JobState::Cancelled);
}

pub async fn a_worker_is_told_to_cancel_until_it_has(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (one, other) = (case.running(worker).await, case.running(worker).await);
    case.cancel(one.job).await;
    let told = Signals { cancel: vec![one.job], ..Signals::default() };
    assert_eq!(case.beat(worker, BeatKind::Live).await, told);
    assert_eq!(case.beat(worker, BeatKind::Live).await, told);
    case.settle(one, cancelled()).await;
    assert_eq!(case.beat(worker, BeatKind::Live).await, Signals::default());
    case.settle(other, completed("1")).await;
}

pub async fn a_worker_is_told_to_cancel_all_of_its_jobs_and_none_of_others(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (one, other) = (case.join().await, case.join().await);
    let mut mine = [case.running(one).await.job, case.running(one).await.job];
    let theirs = case.running(other).await.job;
    case.inspect().cancel(&[mine[0], theirs, mine[1]], case.now).await.unwrap();
    let mut told = case.beat(one, BeatKind::Live).await.cancel;
    mine.sort();
    told.sort();
    assert_eq!(told, mine);
    assert_eq!(case.beat(other, BeatKind::Live).await.cancel, [theirs]);
}

pub async fn a_command_is_told_once(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (worker, other) = (case.join().await, case.join().await);
    for command in [Command::Quiet, Command::Resume, Command::Stop] {
        assert!(case.inspect().command(worker, command).await.unwrap());
        assert_eq!(case.beat(other, BeatKind::Live).await.command, None);
        assert_eq!(case.beat(worker, BeatKind::Live).await.command, Some(command));
        assert_eq!(case.beat(worker, BeatKind::Live).await.command, None);
    }
}

pub async fn the_last_of_several_commands_counts(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.inspect().command(worker, Command::Quiet).await.unwrap();
    case.inspect().command(worker, Command::Stop).await.unwrap();
    assert_eq!(case.beat(worker, BeatKind::Live).await.command, Some(Command::Stop));
}

pub async fn a_command_for_no_worker_says_so(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    case.beat(worker, BeatKind::Leave).await;
    assert!(!case.inspect().command(worker, Command::Stop).await.unwrap());
    assert!(!case.inspect().command(WorkerId::fresh(), Command::Stop).await.unwrap());
}

#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::job::{Claimed, DeadReason, JobId, Lease, LogLevel, LogLine, Note, Progress, WorkerId};
use crate::store::{BeatKind, Filter, Notes, Settled, Store};

impl Case {
    fn notes(&self) -> &dyn Notes {
        self.store.notes().expect("this case needs a store with notes")
    }

    async fn note(&self, note: Note) -> Settled {
        let settled = self.notes().note(Arc::new([note])).await.unwrap();
        assert_eq!(settled.len(), 1);
        settled[0]
    }

    /// Writes a note that must be accepted.
    async fn keep(&self, note: Note) {
        assert_eq!(self.note(note).await, Settled::Stored);
    }

    fn progress(&self, lease: Lease, fraction: f64) -> Note {
        Note { progress: Some(Progress::new(fraction, "page 12 \u{1f984}", self.now)), ..Note::new(lease) }
    }

    fn says(&self, text: &str) -> LogLine {
        LogLine::new(1, self.now, LogLevel::Warn, text)
    }

    async fn log(&self, job: JobId) -> Vec<LogLine> {
        self.inspect().log(job).await.unwrap()
    }

    /// Claims the next job, which must be this one.
    async fn again(&self, job: JobId, worker: WorkerId) -> Claimed {
        let claimed = self.claim_one(worker).await;
        assert_eq!(claimed.lease.job, job);
        claimed
    }
}

fn checkpoint(lease: Lease, json: &str) -> Note {
    Note { checkpoint: Some(json.to_owned()), ..Note::new(lease) }
}

pub async fn a_job_without_notes_has_none(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let id = case.push_one(job()).await;
    let claimed = case.again(id, worker).await;
    assert_eq!(claimed.checkpoint, None);
    assert_eq!(case.record(id).await.progress, None);
    assert_eq!(case.log(id).await, []);
}

pub async fn progress_is_seen_at_once_and_the_latest_counts(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let lease = case.running(case.join().await).await;
    for fraction in [0.25, 0.75] {
        case.pass(SECOND);
        case.keep(case.progress(lease, fraction)).await;
        let seen = Some(Progress::new(fraction, "page 12 \u{1f984}", case.now));
        assert_eq!(case.record(lease.job).await.progress, seen);
        assert_eq!(case.inspect().list(&Filter::default(), case.now).await.unwrap()[0].progress, seen);
    }
}

pub async fn progress_stays_when_the_job_has_ended(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in every_outcome(case.now) {
        let lease = case.running(worker).await;
        case.keep(case.progress(lease, 0.5)).await;
        case.settle(lease, outcome.clone()).await;
        assert_eq!(case.record(lease.job).await.progress.map(|progress| progress.fraction()), Some(0.5), "{outcome:?}");
        case.delete(lease.job).await;
    }
}

pub async fn a_note_leaves_what_it_does_not_speak_of(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.keep(checkpoint(lease, "1")).await;
    case.keep(case.progress(lease, 0.5)).await;
    case.keep(Note { log: vec![case.says("one")], ..Note::new(lease) }).await;
    case.keep(Note::new(lease)).await;
    assert_eq!(case.record(lease.job).await.progress.map(|progress| progress.fraction()), Some(0.5));
    assert_eq!(case.log(lease.job).await, [case.says("one")]);
    case.settle(lease, handed_back()).await;
    assert_eq!(case.again(lease.job, worker).await.checkpoint.as_deref(), Some("1"));
}

pub async fn the_latest_checkpoint_is_given_to_the_next_run_whatever_ended_the_last(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let ends = [failed(case.now), crate::job::Outcome::Snoozed { until: case.now }, handed_back()];
    for outcome in ends {
        let lease = case.running(worker).await;
        case.keep(checkpoint(lease, r#"{"page":1}"#)).await;
        case.keep(checkpoint(lease, r#"{"page":2}"#)).await;
        case.settle(lease, outcome.clone()).await;
        let claimed = case.again(lease.job, worker).await;
        assert_eq!(claimed.checkpoint.as_deref(), Some(r#"{"page":2}"#), "{outcome:?}");
        case.settle(claimed.lease, completed("1")).await;
    }
}

pub async fn a_rescued_job_finds_its_checkpoint(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.keep(checkpoint(lease, "7")).await;
    case.pass(LEASE);
    assert_eq!(case.rescue().await, [lease.job]);
    let claimed = case.again(lease.job, case.join().await).await;
    assert_eq!(claimed.checkpoint.as_deref(), Some("7"));
}

pub async fn a_job_of_a_worker_that_left_finds_its_checkpoint(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.keep(checkpoint(lease, "7")).await;
    case.beat(worker, BeatKind::Leave).await;
    assert_eq!(case.again(lease.job, case.join().await).await.checkpoint.as_deref(), Some("7"));
}

pub async fn a_retry_by_hand_goes_on_from_the_checkpoint(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    for outcome in [dead(DeadReason::Exhausted), cancelled(), discarded()] {
        let lease = case.running(worker).await;
        case.keep(checkpoint(lease, "7")).await;
        case.keep(Note { log: vec![case.says("one")], ..case.progress(lease, 0.5) }).await;
        case.settle(lease, outcome.clone()).await;
        assert!(case.retry(lease.job).await);
        assert!(case.record(lease.job).await.progress.is_some(), "{outcome:?}");
        let claimed = case.again(lease.job, worker).await;
        assert_eq!(claimed.checkpoint.as_deref(), Some("7"), "{outcome:?}");
        assert_eq!(case.log(lease.job).await, [case.says("one")]);
    }
}

pub async fn a_completed_job_that_is_retried_begins_anew(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    case.keep(checkpoint(lease, "7")).await;
    case.keep(Note { log: vec![case.says("one")], ..case.progress(lease, 1.0) }).await;
    case.settle(lease, completed("1")).await;
    assert!(case.retry(lease.job).await);
    assert_eq!(case.record(lease.job).await.progress, None);
    assert_eq!(case.log(lease.job).await, [case.says("one")]);
    let claimed = case.again(lease.job, worker).await;
    assert_eq!(claimed.checkpoint, None);
    case.keep(checkpoint(claimed.lease, "8")).await;
    case.settle(claimed.lease, handed_back()).await;
    assert_eq!(case.again(lease.job, worker).await.checkpoint.as_deref(), Some("8"));
}

pub async fn a_log_is_told_in_order_with_the_attempts(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    let first = vec![case.says("one"), case.says("two"), LogLine { level: LogLevel::Trace, ..case.says("") }];
    case.keep(Note { log: first.clone(), ..Note::new(lease) }).await;
    case.settle(lease, failed(case.now)).await;
    case.pass(SECOND);
    let second = LogLine { attempt: 2, level: LogLevel::Error, ..case.says("text of\nany \u{0} kind") };
    let claimed = case.again(lease.job, worker).await;
    case.keep(Note { log: vec![second.clone()], ..Note::new(claimed.lease) }).await;
    assert_eq!(case.log(lease.job).await, [first, vec![second]].concat());
}

pub async fn a_log_keeps_its_newest_lines(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    let lines: Vec<LogLine> = (0..LogLine::MOST_LINES + 7).map(|number| case.says(&number.to_string())).collect();
    for some in lines.chunks(100) {
        case.keep(Note { log: some.to_vec(), ..Note::new(lease) }).await;
    }
    assert_eq!(case.log(lease.job).await, lines[7..]);
    let long = vec![case.says(&"ü".repeat(LogLine::LONGEST / 2)); LogLine::MOST_BYTES / LogLine::LONGEST];
    case.keep(Note { log: long.clone(), ..Note::new(lease) }).await;
    assert_eq!(case.log(lease.job).await, long);
    let last = case.says("last");
    case.keep(Note { log: vec![last.clone()], ..Note::new(lease) }).await;
    assert_eq!(case.log(lease.job).await, [&long[1..], &[last]].concat());
}

pub async fn a_note_counts_only_under_the_lease_of_the_running_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (worker, other) = (case.join().await, case.join().await);
    let lease = case.running(worker).await;
    let stranger = WorkerId::fresh();
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    let wrong = [
        Lease { worker: other, ..lease },
        Lease { worker: stranger, ..lease },
        Lease { attempt: 2, ..lease },
        Lease { claim: lease.claim + 1, ..lease },
        Lease { job: unknown, ..lease },
    ];
    let all = |lease| Note { checkpoint: Some("1".to_owned()), log: vec![case.says("x")], ..case.progress(lease, 0.5) };
    for lease in wrong {
        assert_eq!(case.note(all(lease)).await, Settled::Lost, "{lease:?}");
    }
    let mixed = [all(wrong[0]), case.progress(lease, 0.25), all(wrong[2])];
    let settled = case.notes().note(Arc::new(mixed)).await.unwrap();
    assert_eq!(settled, [Settled::Lost, Settled::Stored, Settled::Lost]);
    assert_eq!(case.record(lease.job).await.progress.unwrap().fraction(), 0.25);
    assert_eq!(case.log(lease.job).await, []);
    case.settle(lease, handed_back()).await;
    assert_eq!(case.note(all(lease)).await, Settled::Lost, "it does not run");
    assert_eq!(case.again(lease.job, worker).await.checkpoint, None);
    assert_eq!(case.note(all(lease)).await, Settled::Lost, "it runs under another claim");
}

pub async fn no_notes_are_written_of_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(case.notes().note(Arc::new([])).await.unwrap(), []);
}

pub async fn notes_go_with_their_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.keep(checkpoint(lease, "7")).await;
    case.keep(Note { log: vec![case.says("one")], ..case.progress(lease, 0.5) }).await;
    case.settle(lease, completed("1")).await;
    assert!(case.delete(lease.job).await);
    assert_eq!(case.log(lease.job).await, []);
}

pub async fn notes_of_one_job_are_kept_from_others(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let (one, other) = (case.running(worker).await, case.running(worker).await);
    let notes = [checkpoint(one, "1"), checkpoint(other, "2")];
    case.notes().note(Arc::new(notes)).await.unwrap();
    case.keep(case.progress(one, 0.5)).await;
    assert_eq!(case.record(other.job).await.progress, None);
    for (lease, expected) in [(one, "1"), (other, "2")] {
        case.settle(lease, handed_back()).await;
        let claimed = case.again(lease.job, worker).await;
        assert_eq!(claimed.checkpoint.as_deref(), Some(expected));
    }
}

pub async fn a_megabyte_of_checkpoint_comes_back_as_it_was(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let worker = case.join().await;
    let lease = case.running(worker).await;
    let cursor = format!("\"{}\"", "ü".repeat(500_000));
    case.keep(checkpoint(lease, &cursor)).await;
    case.settle(lease, handed_back()).await;
    assert_eq!(case.again(lease.job, worker).await.checkpoint, Some(cursor));
}

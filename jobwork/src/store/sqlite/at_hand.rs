//! When a task commits by itself, and does not hand its call to the writer's thread.
//!
//! A lone call that goes to a thread and back waits for two threads to wake up, which can take half as long as the commit.
//! So where nobody else has anything to write, the task commits where it is. It blocks a thread of the runtime as long as
//! that takes: never the runtime's only one, never a second one at a time, not to wait for another process, and not for a
//! checkpoint; where commits have turned out to be slow, only now and then.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// A commit that takes longer is no matter for a thread of the runtime,
const SLOW: Duration = Duration::from_millis(1);
/// and so many calls go to the writer's thread after one.
const AFTER_SLOW: u32 = 100;
/// Then one goes to the writer's thread, whose commits make checkpoints.
const IN_A_ROW: u32 = 500;
/// Then the tasks of the thread have their turn, also where the commit woke none of them: a loop of such calls would keep it. Each
/// time would cost half as much as the commit.
const LETS_GO: u32 = 8;

/// What is known of the calls before.
#[derive(Debug, Default)]
pub(super) struct AtHand {
    /// So many calls are on their way to the thread.
    waiting: AtomicUsize,
    /// Several calls came together.
    crowded: AtomicBool,
    /// So many calls went by the thread's side since it had one.
    made: AtomicU32,
    /// So many more calls go to the thread.
    rest: AtomicU32,
    /// Somebody in this process listens to what is written.
    heard: AtomicBool,
}

impl AtHand {
    /// A call goes to the thread.
    pub(super) fn sends(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread has the connection, and so many calls at once.
    pub(super) fn thread_had(&self, calls: usize) {
        self.waiting.fetch_sub(calls, Ordering::Relaxed);
        self.crowded.store(calls > 1, Ordering::Relaxed);
        self.made.store(0, Ordering::Relaxed);
    }

    /// The thread has so many calls more, which came while it waited for the file.
    pub(super) fn thread_had_more(&self, calls: usize) {
        if calls > 0 {
            self.waiting.fetch_sub(calls, Ordering::Relaxed);
            self.crowded.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the task that asks may commit. None of this is a promise: the connection's lock is.
    pub(super) fn may_commit(&self) -> bool {
        // A thread that waits for the connection would not get it from a task that asks again and again.
        if self.waiting.load(Ordering::Relaxed) > 0
            || self.crowded.load(Ordering::Relaxed)
            || self.made.load(Ordering::Relaxed) >= IN_A_ROW
        {
            return false;
        }
        let rest = self.rest.load(Ordering::Relaxed);
        if rest > 0 {
            self.rest.store(rest - 1, Ordering::Relaxed);
            return false;
        }
        has_other_threads()
    }

    /// Whether the task that has committed lets others have its thread: whom it woke comes next.
    pub(super) fn lets_go(&self) -> bool {
        self.heard.load(Ordering::Relaxed) || self.made.load(Ordering::Relaxed).is_multiple_of(LETS_GO)
    }

    /// A task has committed, and it took so long; `heard` says whether somebody in this process listens.
    pub(super) fn committed(&self, took: Duration, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
        self.made.fetch_add(1, Ordering::Relaxed);
        if took > SLOW {
            self.rest.store(AFTER_SLOW, Ordering::Relaxed);
        }
    }
}

/// Whether this is a runtime in which others go on while one of its threads is blocked.
fn has_other_threads() -> bool {
    Handle::try_current().is_ok_and(|runtime| {
        runtime.runtime_flavor() == RuntimeFlavor::MultiThread && runtime.metrics().num_workers() > 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn had(at_hand: &AtHand, calls: usize) {
        (0..calls).for_each(|_| at_hand.sends());
        at_hand.thread_had(calls);
    }

    fn runtime(threads: usize) -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap()
    }

    #[test]
    fn the_only_thread_of_a_runtime_does_not_commit() {
        let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(!AtHand::default().may_commit(), "no runtime at all");
        assert!(!current.block_on(async { AtHand::default().may_commit() }));
        assert!(!runtime(1).block_on(async { AtHand::default().may_commit() }));
        assert!(runtime(2).block_on(async { AtHand::default().may_commit() }));
    }

    #[test]
    fn calls_that_come_together_share_the_commits_of_the_thread() {
        let runtime = runtime(2);
        let _inside = runtime.enter();
        let at_hand = AtHand::default();
        had(&at_hand, 2);
        assert!(!at_hand.may_commit());
        had(&at_hand, 1);
        assert!(at_hand.may_commit());
    }

    #[test]
    fn a_call_that_waits_for_the_thread_comes_first() {
        let runtime = runtime(2);
        let _inside = runtime.enter();
        let at_hand = AtHand::default();
        at_hand.sends();
        assert!(!at_hand.may_commit());
        at_hand.thread_had(1);
        assert!(at_hand.may_commit());
    }

    #[test]
    fn after_a_slow_commit_the_thread_commits_for_a_while() {
        let runtime = runtime(2);
        let _inside = runtime.enter();
        let at_hand = AtHand::default();
        at_hand.committed(SLOW, false);
        assert!(at_hand.may_commit());
        at_hand.committed(SLOW + Duration::from_nanos(1), false);
        assert!((0..AFTER_SLOW).all(|_| !at_hand.may_commit()));
        assert!(at_hand.may_commit());
    }

    #[test]
    fn others_have_the_thread_after_each_commit_that_somebody_hears_and_now_and_then() {
        let at_hand = AtHand::default();
        let lets_go = |heard| {
            at_hand.committed(Duration::ZERO, heard);
            at_hand.lets_go()
        };
        assert!((0..20).all(|_| lets_go(true)));
        assert_eq!((0..80).filter(|_| lets_go(false)).count(), 10);
    }

    #[test]
    fn the_thread_has_its_turn_for_checkpoints() {
        let runtime = runtime(2);
        let _inside = runtime.enter();
        let at_hand = AtHand::default();
        (0..IN_A_ROW).for_each(|_| at_hand.committed(Duration::ZERO, false));
        assert!(!at_hand.may_commit());
        had(&at_hand, 1);
        assert!(at_hand.may_commit());
    }
}

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::store::{Topic, Wakeups};

/// Only a broken test waits this long.
const LIMIT: Duration = Duration::from_secs(30);

/// Only what the log tells makes it look.
const NEVER: Duration = Duration::from_secs(3_600);

/// A database, a connection that writes it, and a [`Watch`].
struct Watched {
    directory: TempDir,
    writing: Option<Connection>,
    written: i64,
    /// How many rows there were each time something was noticed.
    noticed: Receiver<i64>,
    waker: Arc<Waker>,
    watch: Watch,
}

impl Watched {
    fn new(log: fn(&Path) -> Log, longest: Duration) -> Self {
        Self::every(EVERY, log, longest)
    }

    fn every(every: Duration, log: fn(&Path) -> Log, longest: Duration) -> Self {
        let directory = TempDir::new().unwrap();
        let path = file(&directory);
        let writing = open::prepare(&path).unwrap();
        writing.execute_batch("CREATE TABLE t (n)").unwrap();
        let (sender, noticed) = mpsc::channel();
        let (database, log, waker) = (path.clone(), log(&path), Arc::<Waker>::default());
        // Nobody is there when the test is over.
        let noticing = move || sender.send(rows(&database)).unwrap_or_default();
        let watcher = Watcher { path, log, waker: Arc::clone(&waker), noticed: noticing, every, longest, seen: None };
        let watch = watcher.start().unwrap();
        Self { directory, writing: Some(writing), written: 0, noticed, waker, watch }
    }

    fn listen(&self) -> Wakeups {
        let wakeups = self.waker.subscribe(Topic::Ready);
        self.watch.listen();
        wakeups
    }

    fn commit(&mut self) {
        self.writing.as_ref().unwrap().execute_batch("INSERT INTO t VALUES (1)").unwrap();
        self.written += 1;
    }

    /// Waits until a look that follows a notice finds all that was committed.
    #[track_caller]
    fn expect_notice(&self) {
        while self.noticed.recv_timeout(LIMIT).expect("the commit is noticed") < self.written {}
    }

    /// Closes the writing connection, and waits until the log is gone, as nobody else has the file open.
    fn close(&mut self) {
        self.writing = None;
        let (log, begin) = (self.directory.path().join("jobs.db-wal"), Instant::now());
        while log.exists() {
            assert!(begin.elapsed() < LIMIT, "the log is still there");
            // Of two connections that close at the same moment neither is the last, which is the one that removes the log.
            rows(&file(&self.directory));
        }
    }

    fn reopen(&mut self) {
        self.writing = Some(open::prepare(&file(&self.directory)).unwrap());
    }
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("jobs.db")
}

fn rows(database: &Path) -> i64 {
    let connection = open::connect(database).unwrap();
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

/// Commits come while commits are about, and long after the last.
fn each_commit_is_noticed(log: fn(&Path) -> Log) {
    let mut watched = Watched::new(log, NEVER);
    let _listening = watched.listen();
    let mut drawn = 1_u64;
    for _ in 0..200 {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (0..=drawn >> 62).for_each(|_| watched.commit());
        watched.expect_notice();
        let quiet = Duration::from_micros((drawn >> 32) % 30_000);
        assert_eq!(watched.noticed.recv_timeout(quiet).unwrap_or(watched.written), watched.written);
    }
}

#[test]
fn each_commit_is_noticed_when_the_kernel_tells() {
    each_commit_is_noticed(Log::told);
}

#[test]
fn each_commit_is_noticed_when_the_kernel_does_not_tell() {
    each_commit_is_noticed(Log::untold);
}

#[test]
#[cfg(target_os = "linux")]
fn a_few_commits_that_follow_one_another_are_noticed_as_soon_as_a_single_one() {
    let mut watched = Watched::every(NEVER, Log::told, NEVER);
    let _listening = watched.listen();
    watched.expect_notice();
    for _ in 0..2 {
        let begin = Instant::now();
        watched.commit();
        // One that was under way as the log began to be watched again is seen with the next.
        while watched.noticed.recv_timeout(SOON).is_err() {
            assert!(begin.elapsed() < LIMIT, "a commit is noticed");
            watched.commit();
        }
    }
}

#[test]
fn a_commit_is_noticed_after_all_had_closed_the_file_and_its_log_was_gone() {
    for log in [Log::told, Log::untold] {
        let mut watched = Watched::new(log, Duration::from_millis(50));
        for _ in 0..3 {
            let listening = watched.listen();
            watched.commit();
            watched.expect_notice();
            drop(listening);
            watched.close();
            watched.reopen();
        }
    }
}

#[test]
fn a_log_that_was_made_anew_is_watched() {
    for log in [Log::told, Log::untold] {
        let directory = TempDir::new().unwrap();
        let (mut log, file) = (log(&file(&directory)), directory.path().join("jobs.db-wal"));
        for _ in 0..3 {
            fs::write(&file, "").unwrap();
            // Just after a write there may be no watch.
            while !log.watch() {}
            let closed = Closed::new().unwrap();
            let writing = thread::spawn({
                let file = file.clone();
                move || fs::write(file, "written")
            });
            assert!(log.wait(LIMIT, &closed));
            writing.join().unwrap().unwrap();
            fs::remove_file(&file).unwrap();
        }
    }
}

#[test]
fn the_end_of_the_watch_ends_its_pause() {
    for log in [Log::told, Log::untold] {
        let mut watched = Watched::new(log, NEVER);
        let _listening = watched.listen();
        watched.commit();
        watched.expect_notice();
        // Long enough for the pause to have become longer than a test may take.
        while watched.noticed.recv_timeout(Duration::from_millis(200)).is_ok() {}
        let begin = Instant::now();
        drop(watched);
        assert!(begin.elapsed() < LIMIT);
    }
}

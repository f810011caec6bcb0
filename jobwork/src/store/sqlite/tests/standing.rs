//! Claims that stand, and what is handed to them.

use super::*;

#[tokio::test]
async fn what_is_handed_to_a_blocked_worker_and_not_taken_goes_to_another() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let (blocked, other) = (join(&store).await, join(&store).await);
    let names = Arc::new([Served { name: "job".to_owned(), version: 1 }]);
    let mut standing = std::pin::pin!(store.claim_when_ready(Claim::new(blocked, names, 9, at(0))));
    let answered = std::future::poll_fn(|context| std::task::Poll::Ready(standing.as_mut().poll(context).is_ready()));
    assert!(!answered.await, "nothing is ready");
    store.push(Push::of(vec![job()], at(0))).await.unwrap();
    assert!(claim(&store, other, 0).await.is_empty(), "it is the worker's that waited");
    // The worker's runtime is blocked, so nothing polls its claim; beats come from a thread of its own.
    let begun = std::time::Instant::now();
    let jobs = loop {
        store.beat(a_beat(blocked, BeatKind::Live, 0)).await.unwrap();
        let jobs = claim(&store, other, 0).await;
        if !jobs.is_empty() || begun.elapsed() > Duration::from_secs(60) {
            break jobs;
        }
    };
    assert_eq!(jobs.iter().map(|job| job.lease.attempt).collect::<Vec<_>>(), [1]);
    assert!(standing.await.unwrap().jobs.is_empty(), "it was taken back");
}

/// A claim that stands, dropped after this has been done; and what another worker claims then.
async fn what_fails(directory: &TempDir, trouble: &str) -> (Sqlite, WorkerId, Vec<Claimed>) {
    let store = open(directory).await;
    let (waiting, other) = (join(&store).await, join(&store).await);
    let stranger = super::super::open::connect(store.path()).unwrap();
    {
        let names = Arc::new([Served { name: "job".to_owned(), version: 1 }]);
        let mut standing = std::pin::pin!(store.claim_when_ready(Claim::new(waiting, names, 9, at(0))));
        let answered =
            std::future::poll_fn(|context| std::task::Poll::Ready(standing.as_mut().poll(context).is_ready()));
        assert!(!answered.await, "nothing is ready");
        if trouble.contains("INSERT") {
            stranger.execute_batch(trouble).unwrap();
        }
        store.push(Push::of(vec![job()], at(0))).await.unwrap();
        if !trouble.contains("INSERT") {
            stranger.execute_batch(trouble).unwrap();
        }
    }
    // Whoever writes next tries what failed again, and fails no more than the other did.
    store.push(Push::of(vec![NewJob::new("unserved", "{}")], at(0))).await.unwrap();
    stranger.execute_batch("DROP TRIGGER trouble").unwrap();
    store.push(Push::of(vec![NewJob::new("unserved", "{}")], at(0))).await.unwrap();
    let jobs = claim(&store, other, 0).await;
    (store, other, jobs)
}

#[tokio::test]
async fn a_job_that_can_not_be_handed_over_is_stored_all_the_same() {
    let directory = TempDir::new().unwrap();
    let trouble = "CREATE TRIGGER trouble BEFORE INSERT ON jobwork_claims BEGIN SELECT RAISE(FAIL, 'no claims'); END";
    let (_store, _, jobs) = what_fails(&directory, trouble).await;
    assert_eq!(jobs.iter().map(|job| job.lease.attempt).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn what_can_not_be_given_back_now_is_given_back_later() {
    let directory = TempDir::new().unwrap();
    let trouble = "CREATE TRIGGER trouble BEFORE UPDATE OF claim ON jobwork_jobs
        BEGIN SELECT RAISE(FAIL, 'nothing comes back'); END";
    let (store, other, jobs) = what_fails(&directory, trouble).await;
    assert_eq!(jobs.iter().map(|job| job.lease.attempt).collect::<Vec<_>>(), [1]);
    assert_eq!(store.finish(done(&jobs[0], Outcome::Unstarted)).await.unwrap(), [Settled::Stored]);
    assert_eq!(claim(&store, other, 0).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_handed_over_never_stands_in_the_line() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let worker = join(&store).await;
    let file = super::super::open::connect(store.path()).unwrap();
    file.execute_batch("CREATE TRIGGER line BEFORE INSERT ON jobwork_ready BEGIN SELECT RAISE(FAIL, 'no line'); END")
        .unwrap();
    let names = Arc::new([Served { name: "job".to_owned(), version: 1 }]);
    let standing = store.claim_when_ready(Claim::new(worker, names, 9, at(0)));
    let push = async { store.push(Push::of(vec![job(), job()], at(0))).await.unwrap() };
    let (handed, pushed) = tokio::join!(standing, push);
    let handed: Vec<_> = handed.unwrap().jobs.iter().map(|job| job.lease.job).collect();
    assert_eq!(handed, pushed.ids());
}

#[tokio::test]
async fn a_claim_gets_what_is_pushed_in_the_same_write_also_by_a_call_that_came_after_it() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let worker = join(&store).await;
    // The writer's thread is held, by a call that it has already taken, until both others wait.
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (taken, held) = oneshot::channel();
    let mut taken = Some(taken);
    let look = move |_: &super::super::db::Db| {
        if let Some(taken) = taken.take() {
            taken.send(()).unwrap();
        }
        let _ = gate.recv();
        Ok(Some(()))
    };
    let hold = store.writer().call(super::super::call::Rank::Other, look, |_| Ok(()));
    let push = Arc::new(Push::of(vec![job()], at(0)));
    let both = async {
        held.await.unwrap();
        let push = store.writer().push(move |db| super::super::push::push(db, &push));
        tokio::join!(claim(&store, worker, 0), push, async { drop(go) })
    };
    let (_, (jobs, pushed, ())) = tokio::join!(hold, both);
    let claimed: Vec<_> = jobs.iter().map(|job| job.lease.job).collect();
    assert_eq!(claimed, pushed.unwrap().unwrap().ids());
}

#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{JobState, Membership, NewJob, Wait};
use crate::store::{Counts, Store};

pub async fn ids_come_in_the_order_of_the_jobs(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![named("first"), named("second"), named("third")]).await;
    let records = case.inspect().get(&ids, case.now).await.unwrap();
    let names: Vec<String> = records.into_iter().map(|record| record.unwrap().name).collect();
    assert_eq!(names, ["first", "second", "third"]);
}

pub async fn ids_sort_by_dispatch_and_never_repeat(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let mut ids = case.push(jobs(5)).await;
    ids.extend(case.push(jobs(5)).await);
    case.pass(SECOND);
    ids.extend(case.push(jobs(5)).await);
    let sorted: Vec<_> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(ids, sorted);
}

pub async fn a_push_of_nothing_stores_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(case.push(Vec::new()).await, []);
    assert_eq!(case.inspect().counts(case.now).await.unwrap(), Counts::default());
}

pub async fn a_pushed_job_is_as_it_was_given(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let tags = vec!["vip".to_owned(), "eu".to_owned()];
    let given =
        NewJob { queue: "mail".into(), priority: -3, retries: 9, tags, ..NewJob::new("send", r#"{"to":"ann"}"#) };
    let id = case.push_one(given).await;
    let job = case.record(id).await;
    assert_eq!((job.id, job.name.as_str(), job.queue.as_str()), (id, "send", "mail"));
    assert_eq!((job.priority, job.retries, job.args.as_str()), (-3, 9, r#"{"to":"ann"}"#));
    assert_eq!(job.tags, ["vip", "eu"]);
    assert_eq!((job.created_at, job.run_at), (case.now, case.now));
}

pub async fn the_times_and_the_version_of_a_job_are_as_they_were_given(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let (soon, later) = (after(case.now, SECOND), case.in_an_hour());
    let given = NewJob { expires_at: Some(soon), retry_until: Some(later), retain: Some(HOUR), version: 3, ..job() };
    let job = case.record(case.push_one(given).await).await;
    assert_eq!((job.expires_at, job.retry_until), (Some(soon), Some(later)));
    assert_eq!((job.retain, job.version), (Some(HOUR), 3));
}

pub async fn a_pushed_job_is_ready_and_has_no_past(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let job = case.push_one(job()).await;
    assert_eq!(case.history(job).await, []);
    let job = case.record(job).await;
    assert_eq!((job.state, job.attempt, job.rescues), (JobState::Ready, 0, 0));
    assert_eq!((job.output, job.reason, job.worker, job.chain), (None, None, None, None));
    assert_eq!((job.started_at, job.finished_at), (None, None));
    assert!(!job.blocked && !job.cancel_requested);
}

pub async fn a_job_with_a_time_to_come_is_scheduled_until_then(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let job = case.push_one(due(case.in_an_hour())).await;
    assert_eq!((case.state(job).await, case.record(job).await.run_at), (JobState::Scheduled, case.in_an_hour()));
    case.pass(HOUR);
    assert_eq!(case.state(job).await, JobState::Ready);
}

pub async fn a_job_with_a_time_that_has_passed_is_ready(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let past = case.now;
    case.pass(HOUR);
    let job = case.push_one(due(past)).await;
    assert_eq!((case.state(job).await, case.record(job).await.run_at), (JobState::Ready, past));
}

pub async fn a_job_that_waits_for_another_is_waiting(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(vec![job(), after_job(0)]).await;
    assert_eq!(case.states(&ids).await, [JobState::Ready, JobState::Waiting]);
}

async fn is_refused_whole(case: Case, push: Vec<NewJob>) {
    case.store.push(crate::store::Push::of(push, case.now)).await.unwrap_err();
    assert_eq!(case.inspect().counts(case.now).await.unwrap(), Counts::default());
    assert_eq!(case.push(jobs(1)).await.len(), 1, "a good push is taken after a bad one");
}

pub async fn a_wait_for_a_later_job_is_refused(store: Arc<dyn Store>) {
    is_refused_whole(Case::new(store), vec![job(), after_job(2), job()]).await;
}

pub async fn a_wait_for_itself_is_refused(store: Arc<dyn Store>) {
    is_refused_whole(Case::new(store), vec![job(), after_job(1)]).await;
}

pub async fn a_wait_for_a_job_outside_the_push_is_refused(store: Arc<dyn Store>) {
    is_refused_whole(Case::new(store), vec![job(), after_job(usize::MAX)]).await;
}

pub async fn a_chain_without_its_first_member_is_refused(store: Arc<dyn Store>) {
    let chain = Some(Membership { first: 2, position: 0, on_error: None });
    is_refused_whole(Case::new(store), vec![job(), NewJob { chain, ..job() }]).await;
}

pub async fn a_thousand_jobs_in_one_push_are_all_stored(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids: BTreeSet<_> = case.push(jobs(1000)).await.into_iter().collect();
    let worker = case.join().await;
    let claimed: BTreeSet<_> = case.claim(worker, 2000).await.into_iter().map(|job| job.lease.job).collect();
    assert_eq!((ids.len(), claimed), (1000, ids));
}

pub async fn a_megabyte_of_arguments_comes_back_as_it_was(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let args = format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 20));
    let id = case.push_one(NewJob::new("job", args.clone())).await;
    assert!(case.record(id).await.args == args);
    let worker = case.join().await;
    assert!(case.claim_one(worker).await.args == args);
}

pub async fn text_of_every_script_comes_back_as_it_was(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let text = "Ünï – 日本語 – عربى – 👩‍🚀 – e\u{301} – \u{feff} – \"'`\\%_?$1 – \n\t";
    let tags = vec![text.to_owned()];
    let given = NewJob { queue: text.into(), tags: tags.clone(), ..NewJob::new(text, text) };
    let id = case.push_one(given).await;
    let worker = case.join().await;
    let claim = crate::store::Claim { names: served(&[text]), queues: Some(strings(&[text])), ..case.asks(worker, 1) };
    let claimed = case.claim_as(claim).await.jobs.pop().unwrap();
    assert_eq!((claimed.name.as_str(), claimed.queue.as_str(), claimed.args.as_str()), (text, text, text));
    assert_eq!((claimed.tags, case.record(id).await.name.as_str()), (tags, text));
    case.settle(claimed.lease, completed(text)).await;
    assert_eq!(case.record(id).await.output.as_deref(), Some(text));
}

pub async fn arguments_that_are_no_json_are_kept_as_they_are(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let texts = ["", "{", "not json", "{\"a\":1,}", "null", "[1,2]", " {} "];
    let ids = case.push(texts.iter().map(|text| NewJob::new("job", *text)).collect()).await;
    let worker = case.join().await;
    let claimed: Vec<String> = case.claim(worker, 10).await.into_iter().map(|job| job.args).collect();
    assert_eq!(claimed, texts);
    assert_eq!(case.record(ids[1]).await.args, "{");
}

pub async fn numbers_at_their_limits_come_back_as_they_were(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let high = NewJob { priority: i32::MAX, retries: u32::MAX, ..job() };
    let low = NewJob { priority: i32::MIN, retries: 0, ..job() };
    case.push(vec![low, high]).await;
    let worker = case.join().await;
    let claimed: Vec<_> = case.claim(worker, 2).await.into_iter().map(|job| (job.priority, job.retries)).collect();
    assert_eq!(claimed, [(i32::MAX, u32::MAX), (i32::MIN, 0)]);
}

pub async fn odd_queue_names_are_kept_apart(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let odd = ["", " ", "a", "A", "a ", "a,b", "a'b", "%", "_", "*", "日本", "default"];
    case.push(odd.iter().map(|queue| in_queue(queue)).collect()).await;
    let worker = case.join().await;
    for queue in odd {
        let claim = crate::store::Claim { queues: Some(strings(&[queue])), ..case.asks(worker, 20) };
        let queues: Vec<String> = case.claim_as(claim).await.jobs.into_iter().map(|job| job.queue).collect();
        assert_eq!(queues, [queue]);
    }
}

pub async fn chains_of_one_push_are_kept_apart(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut push = chain(2);
    push.extend(chain(2).into_iter().map(|member| NewJob {
        waits: member.waits.into_iter().map(|wait| Wait { on: wait.on + 2, ..wait }).collect(),
        chain: member.chain.map(|chain| Membership { first: 2, ..chain }),
        ..member
    }));
    let ids = case.push(push).await;
    let worker = case.join().await;
    let lease = case.start(ids[0], worker).await;
    case.settle(lease, completed("1")).await;
    let expected = [JobState::Completed, JobState::Ready, JobState::Ready, JobState::Waiting];
    assert_eq!(case.states(&ids).await, expected);
    let second: Vec<_> = case.inspect().chain(ids[3], case.now).await.unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(second, ids[2..]);
}

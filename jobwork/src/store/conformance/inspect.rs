#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use super::case::*;
use crate::clock::after;
use crate::job::{DeadReason, JobId, JobState, NewJob};
use crate::store::{Counts, Filter, QueueCounts, Store};

/// One job in each state, and their ids in the order of dispatch.
async fn one_of_each(case: &Case) -> Vec<(JobState, JobId)> {
    use JobState::{Cancelled, Completed, Dead, Discarded, Ready, Running, Scheduled, Waiting};
    let worker = case.join().await;
    let mut found = Vec::new();
    let ends = [(Completed, completed("1")), (Cancelled, cancelled()), (Discarded, discarded())];
    for (state, outcome) in ends.into_iter().chain([(Dead, dead(DeadReason::Exhausted))]) {
        let lease = case.running(worker).await;
        case.settle(lease, outcome).await;
        found.push((state, lease.job));
    }
    let ids = case.push(vec![job(), after_job(0), due(case.in_an_hour())]).await;
    case.start(ids[0], worker).await;
    found.extend([Running, Waiting, Scheduled].into_iter().zip(ids));
    found.push((Ready, case.push_one(job()).await));
    found
}

async fn list(case: &Case, filter: Filter) -> Vec<JobId> {
    case.inspect().list(&filter, case.now).await.unwrap().into_iter().map(|job| job.id).collect()
}

pub async fn jobs_are_found_in_the_order_of_their_ids_in_the_question(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(2)).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    let found = case.inspect().get(&[ids[1], unknown, ids[0], ids[1]], case.now).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|job| job.map(|job| job.id)).collect();
    assert_eq!(found, [Some(ids[1]), None, Some(ids[0]), Some(ids[1])]);
    assert_eq!(case.inspect().get(&[], case.now).await.unwrap(), []);
}

pub async fn every_job_is_counted_in_its_state(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    one_of_each(&case).await;
    let mut counts = case.inspect().counts(case.now).await.unwrap();
    for state in JobState::ALL {
        assert_eq!(*counts.of(state), 1, "{state}");
    }
    case.pass(HOUR);
    let later = case.inspect().counts(case.now).await.unwrap();
    assert_eq!(later, Counts { scheduled: 0, ready: 2, ..counts });
}

pub async fn a_list_without_a_filter_has_every_job_newest_first(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let mut expected: Vec<JobId> = one_of_each(&case).await.into_iter().map(|(_, id)| id).collect();
    expected.reverse();
    assert_eq!(list(&case, Filter::default()).await, expected);
}

pub async fn a_list_can_be_of_some_states(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let each = one_of_each(&case).await;
    for (state, id) in &each {
        assert_eq!(list(&case, Filter { states: vec![*state], ..Filter::default() }).await, [*id], "{state}");
    }
    let states = vec![JobState::Ready, JobState::Scheduled, JobState::Dead];
    assert_eq!(list(&case, Filter { states, ..Filter::default() }).await, [each[7].1, each[6].1, each[3].1]);
}

pub async fn a_listed_job_is_as_it_is_when_asked_for(store: Arc<dyn Store>) {
    let case = Case::new(store);
    for (state, id) in one_of_each(&case).await {
        let listed = case.inspect().list(&Filter { states: vec![state], ..Filter::default() }, case.now).await.unwrap();
        assert_eq!(listed, [case.record(id).await]);
    }
}

pub async fn a_list_can_be_of_a_queue_a_name_or_a_tag(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let tags = vec!["vip".to_owned(), "eu".to_owned()];
    let ids = case.push(vec![in_queue("mail"), named("first"), NewJob { tags, ..job() }]).await;
    let queue = Some("mail".to_owned());
    assert_eq!(list(&case, Filter { queue, ..Filter::default() }).await, [ids[0]]);
    let name = Some("first".to_owned());
    assert_eq!(list(&case, Filter { name, ..Filter::default() }).await, [ids[1]]);
    for tag in ["vip", "eu"] {
        assert_eq!(list(&case, Filter { tags: vec![tag.to_owned()], ..Filter::default() }).await, [ids[2]]);
    }
}

pub async fn a_filter_takes_words_as_they_are_and_whole(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let tags = vec!["v\"i,p%".to_owned()];
    let id = case.push_one(NewJob { tags, queue: "a_b".into(), ..job() }).await;
    for tag in ["v", "%", "v\"i", "V\"I,P%", "p%", ""] {
        assert_eq!(list(&case, Filter { tags: vec![tag.to_owned()], ..Filter::default() }).await, [], "{tag}");
    }
    for queue in ["a%", "axb", "a", "A_B", ""] {
        assert_eq!(list(&case, Filter { queue: Some(queue.to_owned()), ..Filter::default() }).await, [], "{queue}");
    }
    let (tags, queue) = (vec!["v\"i,p%".to_owned()], Some("a_b".to_owned()));
    assert_eq!(list(&case, Filter { tags, queue, ..Filter::default() }).await, [id]);
}

pub async fn a_job_must_match_all_of_a_filter(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let tags = vec!["vip".to_owned()];
    let both = NewJob { queue: "mail".into(), tags: tags.clone(), ..named("first") };
    let ids = case.push(vec![both.clone(), NewJob { tags, ..named("first") }, in_queue("mail")]).await;
    let filter = Filter {
        states: vec![JobState::Ready],
        queue: Some("mail".to_owned()),
        name: Some("first".to_owned()),
        tags: vec!["vip".to_owned()],
        ..Filter::default()
    };
    assert_eq!(list(&case, filter.clone()).await, [ids[0]]);
    assert_eq!(list(&case, Filter { states: vec![JobState::Dead], ..filter }).await, []);
}

pub async fn a_list_is_read_page_by_page(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let mut expected = case.push(jobs(4)).await;
    case.pass(SECOND);
    case.push_one(in_queue("other")).await;
    expected.extend(case.push(jobs(3)).await);
    expected.reverse();
    let (mut read, mut before) = (Vec::new(), None);
    loop {
        let queue = Some("default".to_owned());
        let page = list(&case, Filter { queue, limit: Some(3), before, ..Filter::default() }).await;
        before = page.last().copied();
        if page.is_empty() {
            break;
        }
        assert_eq!(page.len(), 3.min(7 - read.len()));
        read.extend(page);
    }
    assert_eq!(read, expected);
}

pub async fn a_page_can_be_read_on_from_a_job_that_was_deleted(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(3)).await;
    case.delete(ids[1]).await;
    assert_eq!(list(&case, Filter { before: Some(ids[1]), ..Filter::default() }).await, [ids[0]]);
}

pub async fn a_list_of_at_most_none_is_empty(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(jobs(2)).await;
    assert_eq!(list(&case, Filter { limit: Some(0), ..Filter::default() }).await, []);
    assert_eq!(list(&case, Filter { limit: Some(usize::MAX), ..Filter::default() }).await.len(), 2);
}

pub async fn the_chain_of_a_job_by_itself_is_the_job(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(jobs(2)).await;
    assert_eq!(case.inspect().chain(ids[1], case.now).await.unwrap(), [case.record(ids[1]).await]);
}

pub async fn the_chain_of_an_unknown_job_is_empty(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(chain(2)).await;
    let unknown = JobId::from(uuid::Uuid::from_u128(7));
    assert_eq!(case.inspect().chain(unknown, case.now).await.unwrap(), []);
}

pub async fn a_chain_is_told_in_order_from_any_member(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let ids = case.push(chain(12)).await;
    case.push(chain(2)).await;
    for id in [ids[0], ids[5], ids[11]] {
        let members = case.inspect().chain(id, case.now).await.unwrap();
        assert_eq!(members.into_iter().map(|member| member.id).collect::<Vec<_>>(), ids);
    }
}

pub async fn queues_are_told_by_name_with_what_they_hold(store: Arc<dyn Store>) {
    let mut case = Case::new(store);
    let since = case.now;
    let waiting = NewJob { queue: "b".into(), ..after_job(0) };
    let scheduled = NewJob { queue: "b".into(), ..due(case.in_an_hour()) };
    case.push(vec![in_queue("b"), waiting, scheduled, in_queue("a")]).await;
    case.pass(SECOND);
    case.push(vec![in_queue("b")]).await;
    let empty =
        QueueCounts { queue: "a".to_owned(), waiting: 0, scheduled: 0, ready: 1, running: 0, oldest_due: Some(since) };
    let b = QueueCounts { queue: "b".to_owned(), waiting: 1, scheduled: 1, ready: 2, ..empty.clone() };
    assert_eq!(case.inspect().queues(case.now).await.unwrap(), [empty.clone(), b.clone()]);
    let claim = crate::store::Claim { queues: Some(strings(&["b"])), ..case.asks(case.join().await, 1) };
    case.claim_as(claim).await;
    let b = QueueCounts { ready: 1, running: 1, oldest_due: Some(case.now), ..b };
    assert_eq!(case.inspect().queues(case.now).await.unwrap(), [empty, b]);
}

pub async fn a_queue_that_holds_only_ended_jobs_is_not_told(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let lease = case.running(case.join().await).await;
    case.settle(lease, completed("1")).await;
    assert_eq!(case.inspect().queues(case.now).await.unwrap(), []);
}

pub async fn a_queue_without_due_jobs_has_no_oldest(store: Arc<dyn Store>) {
    let case = Case::new(store);
    case.push(vec![due(after(case.now, SECOND))]).await;
    let queues = case.inspect().queues(case.now).await.unwrap();
    assert_eq!((queues.len(), queues[0].scheduled, queues[0].oldest_due), (1, 1, None));
}

pub async fn the_history_of_an_unknown_job_is_empty(store: Arc<dyn Store>) {
    let case = Case::new(store);
    assert_eq!(case.history(JobId::from(uuid::Uuid::from_u128(7))).await, []);
}

pub async fn looking_changes_nothing(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let each = one_of_each(&case).await;
    let ids: Vec<JobId> = each.iter().map(|(_, id)| *id).collect();
    let before = case.inspect().get(&ids, case.now).await.unwrap();
    case.inspect().counts(case.in_an_hour()).await.unwrap();
    case.inspect().queues(case.in_an_hour()).await.unwrap();
    case.inspect().list(&Filter::default(), case.in_an_hour()).await.unwrap();
    assert_eq!(case.inspect().get(&ids, case.now).await.unwrap(), before);
}

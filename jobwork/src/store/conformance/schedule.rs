#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::Arc;

use jiff::Timestamp;

use super::case::*;
use crate::job::{JobState, Missed, NewJob, Wait};
use crate::store::{Cause, Due, Fire, NewSchedule, Push, ScheduleChange, ScheduleRecord, Schedules, Store, Stored};

pub(super) fn due(expression: &str) -> Due {
    Due { expression: expression.to_owned(), zone: "UTC".to_owned() }
}

fn new(name: &str, expression: &str) -> NewSchedule {
    NewSchedule { name: name.to_owned(), job: "job".to_owned(), due: due(expression), missed: Missed::Once }
}

/// What a case needs of the store's schedules.
impl Case {
    fn schedules(&self) -> &dyn Schedules {
        self.store.schedules().expect("this case needs a store that keeps schedules")
    }

    /// A fresh case whose store knows the schedule `nightly`.
    pub(super) async fn nightly(store: Arc<dyn Store>) -> Self {
        let case = Self::new(store);
        case.declare(&[new("nightly", "0 3 * * *")]).await;
        case
    }

    async fn declare(&self, schedules: &[NewSchedule]) {
        self.schedules().declare(schedules.to_vec(), self.now).await.unwrap();
    }

    async fn schedule(&self, name: &str) -> ScheduleRecord {
        let all = self.schedules().list().await.unwrap();
        all.into_iter().find(|schedule| schedule.name == name).expect("there is such a schedule")
    }

    async fn change(&self, name: &str, change: ScheduleChange) -> bool {
        self.schedules().change(name, change, self.now).await.unwrap()
    }

    /// Fires `nightly` with one job, as it was declared.
    pub(super) async fn fire(&self, cause: Cause) -> Option<Stored> {
        self.fire_with(cause, vec![job()]).await
    }

    async fn fire_with(&self, cause: Cause, jobs: Vec<NewJob>) -> Option<Stored> {
        let push = Push::of(jobs, self.now);
        self.schedules().fire(Fire { name: "nightly".to_owned(), due: due("0 3 * * *"), cause, push }).await.unwrap()
    }

    async fn job_count(&self) -> u64 {
        self.inspect().counts(self.now).await.unwrap().ready
    }
}

fn tick(case: &Case) -> Timestamp {
    case.in_an_hour()
}

pub async fn a_declared_schedule_is_as_it_was_given(store: Arc<dyn Store>) {
    let case = Case::new(store);
    let missed = Missed::Fill(HOUR);
    let hourly = NewSchedule {
        due: Due { expression: "@hourly".to_owned(), zone: "Europe/Vienna".to_owned() },
        missed,
        ..new("größer \"1\"", "")
    };
    case.declare(&[hourly.clone(), new("b", "@daily")]).await;
    assert_eq!(case.schedule("größer \"1\"").await, ScheduleRecord::new(hourly, case.now));
    let names: Vec<_> = case.schedules().list().await.unwrap().into_iter().map(|schedule| schedule.name).collect();
    assert_eq!(names, ["b", "größer \"1\""]);
}

pub async fn a_schedule_begins_when_it_is_declared_first(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    let first = case.now;
    case.pass(HOUR);
    case.declare(&[new("nightly", "0 3 * * *")]).await;
    let schedule = case.schedule("nightly").await;
    assert_eq!((schedule.past, schedule.created_at, schedule.declared_at), (first, first, case.now));
}

pub async fn an_expression_that_changed_in_code_is_due_from_now_on(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    case.pass(HOUR);
    case.declare(&[new("nightly", "0 4 * * *")]).await;
    let schedule = case.schedule("nightly").await;
    assert_eq!((schedule.due, schedule.past, schedule.edited), (due("0 4 * * *"), case.now, false));
}

pub async fn a_schedule_that_is_not_declared_again_stays(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    case.declare(&[new("other", "@daily")]).await;
    case.declare(&[]).await;
    assert_eq!(case.schedules().list().await.unwrap().len(), 2);
}

pub async fn a_tick_stores_its_jobs_and_is_past(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    let tick = tick(&case);
    let stored = case.fire(Cause::Tick(tick)).await.unwrap();
    assert_eq!(case.state(stored.ids()[0]).await, JobState::Ready);
    let schedule = case.schedule("nightly").await;
    assert_eq!((schedule.past, schedule.last_tick), (tick, Some(tick)));
}

pub async fn a_tick_stores_its_jobs_once(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    assert!(case.fire(Cause::Tick(tick(&case))).await.is_some());
    for again in [tick(&case), case.now] {
        assert_eq!(case.fire(Cause::Tick(again)).await, None, "it is past that");
    }
    assert_eq!(case.job_count().await, 1);
}

pub async fn a_tick_that_came_before_the_schedule_stores_nothing(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    assert_eq!(case.fire(Cause::Tick(case.now)).await, None);
    assert_eq!(case.job_count().await, 0);
}

pub async fn a_tick_may_store_a_chain_or_nothing(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    let stored = case.fire_with(Cause::Tick(tick(&case)), chain(2)).await.unwrap();
    assert_eq!(case.states(&stored.ids()).await, [JobState::Ready, JobState::Waiting]);
    let last = case.schedule("nightly").await.past;
    case.pass(HOUR + SECOND);
    assert_eq!(case.fire_with(Cause::Tick(case.now), Vec::new()).await.unwrap().ids(), []);
    let schedule = case.schedule("nightly").await;
    assert_eq!((schedule.past, schedule.last_tick), (case.now, Some(last)), "it made nothing, and is past");
}

pub async fn a_tick_whose_jobs_are_refused_is_not_past(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    let tick = tick(&case);
    let odd = NewJob { waits: vec![Wait { on: 7, slot: None }], ..job() };
    let push = Push::of(vec![odd], case.now);
    let fire = Fire { name: "nightly".to_owned(), due: due("0 3 * * *"), cause: Cause::Tick(tick), push };
    case.schedules().fire(fire).await.unwrap_err();
    assert!(case.schedule("nightly").await.past < tick);
    assert!(case.fire(Cause::Tick(tick)).await.is_some());
}

pub async fn a_tick_of_another_expression_stores_nothing(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    assert!(case.change("nightly", ScheduleChange::Edit(due("0 4 * * *"))).await);
    assert_eq!(case.fire(Cause::Tick(tick(&case))).await, None, "it was made of an expression that is no more");
}

pub async fn a_paused_schedule_stores_nothing_until_it_is_resumed(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    let missed = tick(&case);
    assert!(case.change("nightly", ScheduleChange::Pause).await);
    assert!(case.schedule("nightly").await.paused);
    case.pass(2 * HOUR);
    assert_eq!(case.fire(Cause::Tick(missed)).await, None);
    assert!(case.change("nightly", ScheduleChange::Resume).await);
    assert_eq!(case.fire(Cause::Tick(missed)).await, None, "what came meanwhile is not made up for");
    assert!(case.fire(Cause::Tick(tick(&case))).await.is_some());
}

pub async fn resuming_what_is_not_paused_changes_nothing(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    let before = case.schedule("nightly").await;
    case.pass(HOUR);
    assert!(case.change("nightly", ScheduleChange::Resume).await);
    assert_eq!(case.schedule("nightly").await, before);
}

pub async fn an_edit_by_hand_outlives_what_the_code_says(store: Arc<dyn Store>) {
    let mut case = Case::nightly(store).await;
    case.pass(HOUR);
    case.change("nightly", ScheduleChange::Edit(due("0 5 * * *"))).await;
    let edited = case.schedule("nightly").await;
    assert_eq!((&edited.due, edited.edited, edited.past), (&due("0 5 * * *"), true, case.now));
    case.pass(HOUR);
    case.declare(&[new("nightly", "0 6 * * *")]).await;
    let declared = case.schedule("nightly").await;
    assert_eq!((declared.due, declared.declared, declared.past), (edited.due, due("0 6 * * *"), edited.past));
    assert!(case.change("nightly", ScheduleChange::Reset).await);
    let reset = case.schedule("nightly").await;
    assert_eq!((reset.due, reset.edited, reset.past), (due("0 6 * * *"), false, case.now));
}

pub async fn a_run_that_was_asked_for_is_made_once(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    assert_eq!(case.fire(Cause::Asked).await, None, "nobody asked");
    assert!(case.change("nightly", ScheduleChange::Run).await);
    let asked = case.schedule("nightly").await;
    assert_eq!(asked.asked, Some(case.now));
    assert!(case.fire(Cause::Asked).await.is_some());
    assert_eq!(case.fire(Cause::Asked).await, None);
    let after = case.schedule("nightly").await;
    assert_eq!(
        (after.asked, after.past, after.last_tick),
        (None, asked.past, None),
        "its ticks come as they would have"
    );
    assert_eq!(case.job_count().await, 1);
}

pub async fn a_paused_schedule_runs_when_it_is_asked_to(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    case.change("nightly", ScheduleChange::Pause).await;
    case.change("nightly", ScheduleChange::Run).await;
    assert!(case.fire(Cause::Asked).await.is_some());
}

pub async fn a_removed_schedule_is_forgotten_until_it_is_declared_again(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    case.change("nightly", ScheduleChange::Edit(due("0 5 * * *"))).await;
    assert!(case.change("nightly", ScheduleChange::Remove).await);
    assert_eq!(case.schedules().list().await.unwrap(), []);
    assert_eq!(case.fire(Cause::Tick(tick(&case))).await, None);
    case.declare(&[new("nightly", "0 3 * * *")]).await;
    assert!(!case.schedule("nightly").await.edited);
}

pub async fn a_schedule_that_is_not_there_can_not_be_changed(store: Arc<dyn Store>) {
    let case = Case::nightly(store).await;
    use ScheduleChange::{Edit, Pause, Remove, Reset, Resume, Run};
    for change in [Pause, Resume, Edit(due("@daily")), Reset, Run, Remove] {
        assert!(!case.change("daily", change).await);
    }
}

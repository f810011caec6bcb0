//! What the options of `#[job]` make of a job's arguments.

use std::collections::HashMap;
use std::time::Duration;

use jobwork::{
    CancelSignal, Flow, Job, JobOptions, JobState, Jobs, Limit, OnConflict, Perform, Unique, UniqueStates, chain, job,
};
use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn unique(job: &impl Job) -> Unique {
    job.flow().unwrap().unique.unwrap()
}

fn limits(job: &impl Job) -> Vec<Limit> {
    job.flow().unwrap().limits
}

mod uniqueness {
    use super::*;

    #[job(unique)]
    async fn by_all(to: String, copies: u8, _stop: CancelSignal) {
        let _ = (to, copies);
    }

    #[job(unique = [to, copies])]
    async fn by_some(subject: String, to: String, copies: u8) {
        let _ = (subject, to, copies);
    }

    #[job(unique(by = to, window = "1h", on_conflict = replace(args)))]
    async fn for_a_time(to: String, copies: u8) {
        let _ = (to, copies);
    }

    #[job(unique(
        by = inner::domain,
        states = [waiting, scheduled, ready, running, completed, dead],
        on_conflict = error
    ))]
    async fn by_function(to: String) {
        drop(to);
    }

    mod inner {
        pub(super) fn domain(job: &super::ByFunction) -> &str {
            job.to.split('@').next_back().unwrap_or_default()
        }
    }

    #[job(unique)]
    async fn without_arguments() {}

    #[job(unique)]
    async fn of_a_map(amounts: HashMap<String, u32>) {
        drop(amounts);
    }

    #[test]
    fn all_arguments_count_unless_some_are_named() {
        assert_eq!(unique(&ByAll::new("ann", 2)), Unique::new(r#"["by_all",{"copies":2,"to":"ann"}]"#));
        assert_eq!(unique(&BySome::new("hello", "ann", 2)), Unique::new(r#"["by_some",["ann",2]]"#));
        assert_eq!(unique(&WithoutArguments::new()), Unique::new("without_arguments"));
    }

    #[test]
    fn a_function_makes_the_key_of_the_whole_job() {
        assert_eq!(unique(&ByFunction::new("ann@example.org")).key, r#"["by_function","example.org"]"#);
        assert_eq!(unique(&ByFunction::new("bob@example.org")).key, r#"["by_function","example.org"]"#);
    }

    #[test]
    fn one_with_a_window_is_unique_in_it_even_when_it_has_completed() {
        let expected = Unique::new(r#"["for_a_time","ann"]"#).states(UniqueStates::UNLESS_FAILED).window(HOUR);
        let replace = OnConflict::Replace { args: true, schedule: false, at_most: None };
        assert_eq!(unique(&ForATime::new("ann", 2)), expected.on_conflict(replace));
    }

    #[test]
    fn the_states_are_those_of_the_list() {
        let unique = unique(&ByFunction::new("ann"));
        assert_eq!(unique.on_conflict, OnConflict::Error);
        assert!(unique.states.contains(JobState::Completed) && unique.states.contains(JobState::Dead));
        assert!(!unique.states.contains(JobState::Cancelled));
    }

    #[test]
    fn equal_maps_make_equal_keys() {
        let amounts = |names: [&str; 9]| unique(&OfAMap::new(names.map(|name| (name.to_owned(), 1)).into()));
        let key = amounts(["a", "b", "c", "d", "e", "f", "g", "h", "i"]).key;
        assert_eq!(amounts(["i", "h", "g", "f", "e", "d", "c", "b", "a"]).key, key);
    }
}

mod debouncing {
    use super::*;

    #[job(debounce("5s", by = [document], at_most = "1m"))]
    async fn reindex(document: u64, words: Vec<String>) {
        let _ = (document, words);
    }

    #[job(throttle = "1m")]
    async fn ping(host: String) {
        drop(host);
    }

    #[test]
    fn a_debounced_job_waits_and_is_put_off_no_longer_than_it_may() {
        assert_eq!(Reindex::OPTIONS, JobOptions::DEFAULT.delay(Duration::from_secs(5)));
        assert_eq!(unique(&Reindex::new(7, vec![])), Unique::debounce(r#"["reindex",7]"#).at_most(MINUTE));
    }

    #[test]
    fn a_throttled_job_is_unique_for_a_time() {
        assert_eq!(unique(&Ping::new("a")), Unique::throttle(r#"["ping",{"host":"a"}]"#, MINUTE));
    }
}

mod limiting {
    use super::*;

    #[job(concurrency = 2)]
    async fn plain() {}

    #[job(concurrency = 2, rate = "100/1m", key = account)]
    async fn keyed(account: u64) {
        let _ = account;
    }

    #[job(concurrency(3, key = [account, region], group = "stripe"), rate("5/1s", group = "stripe"), key = account)]
    async fn grouped(account: u64, region: String) {
        let _ = (account, region);
    }

    #[job(ordered = account)]
    async fn in_order(account: u64) {
        let _ = account;
    }

    #[job(ordered)]
    async fn one_by_one(account: u64) {
        let _ = account;
    }

    #[job(ordered(key = account, group = "ledger"))]
    async fn in_order_of_a_group(account: u64) {
        let _ = account;
    }

    #[test]
    fn a_limit_is_the_jobs_own_or_that_of_a_key() {
        assert_eq!(limits(&Plain::new()), [Limit::concurrency("plain", 2)]);
        let key = r#"["keyed",7]"#;
        assert_eq!(limits(&Keyed::new(7)), [Limit::concurrency(key, 2), Limit::rate(key, 100, MINUTE)]);
    }

    #[test]
    fn a_group_takes_the_place_of_the_jobs_name() {
        let limits = limits(&Grouped::new(7, "eu"));
        let concurrency = Limit::concurrency(r#"["stripe",[7,"eu"]]"#, 3);
        assert_eq!(limits, [concurrency, Limit::rate(r#"["stripe",7]"#, 5, Duration::from_secs(1))]);
    }

    #[test]
    fn an_order_is_the_jobs_own_or_that_of_a_key() {
        assert_eq!(InOrder::new(7).flow().unwrap(), Flow::default().ordered(r#"["in_order",7]"#));
        assert_eq!(OneByOne::new(7).flow().unwrap(), Flow::default().ordered("one_by_one"));
        assert_eq!(InOrderOfAGroup::new(7).flow().unwrap(), Flow::default().ordered(r#"["ledger",7]"#));
    }

    #[test]
    fn a_step_that_lacks_arguments_has_the_keys_that_are_made_of_none() {
        assert_eq!(OneByOne::flow_unfilled(), Ok(Flow::default().ordered("one_by_one")));
        assert_eq!(Plain::flow_unfilled(), Ok(Flow::default().limit(Limit::concurrency("plain", 2))));
        let why = "the key of its `concurrency` is made of its arguments, and not all of them are known yet";
        assert_eq!(Keyed::flow_unfilled(), Err(why));
    }

    #[job]
    async fn count() -> Result<u64, String> {
        Ok(1)
    }

    #[tokio::test]
    async fn a_chain_says_which_option_lacks_an_argument() {
        let jobs = Jobs::connect("memory:").await.unwrap();
        let refused = chain![Count(), Keyed].dispatch().on(&jobs).await.unwrap_err();
        assert!(refused.to_string().contains("the key of its `concurrency` is made of its arguments"), "{refused}");
        chain![Count(), OneByOne].dispatch().on(&jobs).await.unwrap();
    }
}

mod lifetimes {
    use super::*;

    #[job(expires = "1h", retry_for = "48h", retain = "7d", version = 3, upgrade = [from_v1, from_v2])]
    async fn charge(cents: Vec<u64>) {
        drop(cents);
    }

    #[derive(Serialize, Deserialize)]
    struct Version1 {
        euros: u64,
    }

    #[derive(Serialize, Deserialize)]
    struct Version2 {
        cents: u64,
    }

    fn from_v1(old: Version1) -> Version2 {
        Version2 { cents: old.euros * 100 }
    }

    fn from_v2(old: Version2) -> Result<Charge, String> {
        Ok(Charge::new(vec![old.cents]))
    }

    #[test]
    fn times_and_versions_are_options() {
        let expected = JobOptions::DEFAULT.expires(HOUR).retry_for(48 * HOUR).retain(7 * 24 * HOUR).version(3);
        assert_eq!(Charge::OPTIONS, expected);
    }

    #[test]
    fn older_arguments_go_through_every_step_after_them() {
        assert_eq!(Charge::upgrade(1, r#"{"euros":3}"#).unwrap().cents, [300]);
        assert_eq!(Charge::upgrade(2, r#"{"cents":3}"#).unwrap().cents, [3]);
    }
}

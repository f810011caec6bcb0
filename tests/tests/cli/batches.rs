use jobwork::store::Push;
use jobwork::{BatchId, BatchPlace, JobId, Jobs, NewBatch, NewJob};

use crate::shop::{NOBODY, Shop};

/// A batch of two jobs and a callback on success, stored by another program.
fn stored(shop: &Shop) -> (BatchId, Vec<JobId>) {
    let url = format!("sqlite:{}", shop.path("shop.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let jobs = Jobs::connect(&url).await.unwrap();
        let mut new = vec![NewJob::new("greet", r#"["ann", 1]"#); 3];
        new[..2].iter_mut().for_each(|job| job.batch = Some(BatchPlace::New(0)));
        let mut batch = NewBatch::new("greetings");
        batch.on_success = Some(2);
        let stored = jobs.store().push(Push::of(new, jobs.now()).batches(vec![batch])).await.unwrap();
        (stored.batches[0], stored.ids())
    })
}

#[test]
fn batches_are_listed_and_shown() {
    let shop = Shop::open();
    let (batch, jobs) = stored(&shop);
    let table = shop.ok(&["batches"]);
    assert!(table.contains("greetings") && table.contains(&batch.to_string()), "{table}");
    let listed = shop.lines(&["batches"]);
    assert_eq!((listed[0]["total"].as_u64(), listed[0]["pending"].as_u64()), (Some(2), Some(2)));
    let shown = shop.json(&["batch", &batch.to_string()]);
    assert_eq!(shown["on_success"], jobs[2].to_string());
    let text = shop.ok(&["batch", &batch.to_string()]);
    assert!(text.contains("description  greetings"), "{text}");
}

#[test]
fn the_members_of_a_batch_are_listed_without_its_callbacks() {
    let shop = Shop::open();
    let (batch, jobs) = stored(&shop);
    shop.dispatch(&["greet", r#"["ann", 1]"#]);
    let listed = shop.lines(&["list", "--batch", &batch.to_string()]);
    let ids: Vec<_> = listed.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [jobs[1].to_string(), jobs[0].to_string()]);
    let member = shop.ok(&["show", &ids[0]]);
    assert!(member.contains(&batch.to_string()), "{member}");
}

#[test]
fn a_batch_that_is_not_there_has_an_exit_code_of_its_own() {
    let shop = Shop::open();
    shop.say(&["batch", NOBODY]).refused(3, &["there is no batch", NOBODY]);
    shop.say(&["batch", "x"]).refused(2, &["expected a batch's id"]);
    assert!(shop.lines(&["batches", "--parent", NOBODY]).is_empty());
}

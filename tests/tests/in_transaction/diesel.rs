use diesel::result::Error;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use jobwork::{JobContext, JobHandle};

use super::jobs::Echo;
use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_performed_and_what_is_rolled_back_never_was() {
    let mut scene = Scene::new().await;
    let mut connection = PgConnection::establish(&scene.database()).unwrap();
    let mut lost: Option<JobHandle<Echo>> = None;
    let rolled_back = connection.transaction(|connection| {
        sql_query(scene.effect()).execute(connection)?;
        lost = Some(Echo::dispatch("lost").on(&scene.jobs).dispatch_in(connection).unwrap());
        Err::<(), _>(Error::RollbackTransaction)
    });
    assert_eq!(rolled_back, Err(Error::RollbackTransaction));
    scene.assert_gone(lost.unwrap()).await;

    let kept = connection.transaction(|connection| {
        sql_query(scene.effect()).execute(connection)?;
        let kept = Echo::dispatch("kept").on(&scene.jobs).dispatch_in(connection).unwrap();
        Ok::<_, Error>(kept)
    });
    scene.assert_told(kept.unwrap()).await;
}

/// Has an effect and completes the job with it, if it is to be committed.
pub(crate) fn complete(url: &str, effect: &str, commits: bool, job: &JobContext) -> anyhow::Result<()> {
    let mut connection = PgConnection::establish(url)?;
    let done = connection.transaction::<_, anyhow::Error, _>(|connection| {
        sql_query(effect).execute(connection)?;
        job.finish_in(connection, "finished")?;
        if commits { Ok(()) } else { Err(Error::RollbackTransaction.into()) }
    });
    if commits { done } else { Ok(()) }
}

use diesel::result::Error;
use diesel::sql_query;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jobwork::JobContext;

use super::jobs::Echo;
use super::scene::Scene;

#[tokio::test]
async fn what_is_committed_is_performed_and_what_is_rolled_back_never_was() {
    let mut scene = Scene::new().await;
    let mut connection = AsyncPgConnection::establish(&scene.database()).await.unwrap();
    connection.begin_test_transaction().await.unwrap();
    sql_query(scene.effect()).execute(&mut connection).await.unwrap();
    let lost = Echo::dispatch("lost").on(&scene.jobs).dispatch_in(&mut connection).await.unwrap();
    assert!(!scene.exists(lost.id()).await);
    drop(connection);
    scene.assert_gone(lost).await;

    let mut connection = AsyncPgConnection::establish(&scene.database()).await.unwrap();
    let kept = connection.transaction(async |connection| {
        sql_query(scene.effect()).execute(connection).await?;
        let kept = Echo::dispatch("kept").on(&scene.jobs).dispatch_in(connection).await.unwrap();
        assert!(!scene.exists(kept.id()).await);
        Ok::<_, Error>(kept)
    });
    let kept = kept.await.unwrap();
    scene.assert_told(kept).await;
}

/// Has an effect and completes the job with it, if it is to be committed.
pub(crate) async fn complete(url: &str, effect: &str, commits: bool, job: &JobContext) -> anyhow::Result<()> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    let done = connection.transaction::<_, anyhow::Error, _>(async |connection| {
        sql_query(effect).execute(connection).await?;
        job.finish_in(connection, "finished").await?;
        if commits { Ok(()) } else { Err(Error::RollbackTransaction.into()) }
    });
    let done = done.await;
    if commits { done } else { Ok(()) }
}

use jobwork::JobContext;
use sqlx_0_8::{Connection, PgConnection, query};

use super::jobs::Echo;
use super::scene::Scene;

#[tokio::test]
async fn what_is_committed_is_performed_and_what_is_rolled_back_never_was() {
    let mut scene = Scene::new().await;
    let mut connection = PgConnection::connect(&scene.database()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    query(&scene.effect()).execute(&mut *transaction).await.unwrap();
    let lost = Echo::dispatch("lost").on(&scene.jobs).dispatch_in(&mut transaction).await.unwrap();
    assert!(!scene.exists(lost.id()).await);
    transaction.rollback().await.unwrap();
    scene.assert_gone(lost).await;

    let mut transaction = connection.begin().await.unwrap();
    query(&scene.effect()).execute(&mut *transaction).await.unwrap();
    let kept = Echo::dispatch("kept").on(&scene.jobs).dispatch_in(&mut *transaction).await.unwrap();
    assert!(!scene.exists(kept.id()).await);
    transaction.commit().await.unwrap();
    scene.assert_told(kept).await;
}

/// Has an effect and completes the job with it, if it is to be committed.
pub(crate) async fn complete(url: &str, effect: &str, commits: bool, job: &JobContext) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let mut transaction = connection.begin().await?;
    query(effect).execute(&mut *transaction).await?;
    job.finish_in(&mut transaction, "finished").await?;
    if commits {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(())
}

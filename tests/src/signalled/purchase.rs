use std::time::Duration;

use jobwork::{JobContext, job};
use rusqlite::TransactionBehavior;
use sqlx_0_9::Connection;

use super::release::{released, released_blocking};
use super::say;
use crate::postgres::connect;

/// What the jobs write into the table `effects`.
const EFFECT: &str = "INSERT INTO effects VALUES ('bought')";

/// Has an effect and completes with it, and waits before each step until that is released. The place is a file for `rusqlite`, and else
/// the URL of a schema.
#[job]
pub async fn purchase(driver: String, place: String, job: JobContext) -> anyhow::Result<String> {
    match driver.as_str() {
        "tokio-postgres" => by_tokio_postgres(&place, &job).await?,
        "sqlx" => by_sqlx(&place, &job).await?,
        _ => tokio::task::spawn_blocking(move || by_rusqlite(&place, &job)).await??,
    }
    say("committed");
    released("return").await;
    Ok("returned".to_owned())
}

async fn by_tokio_postgres(url: &str, job: &JobContext) -> anyhow::Result<()> {
    let mut client = connect(url).await;
    let transaction = client.transaction().await?;
    transaction.execute(EFFECT, &[]).await?;
    say("began");
    released("finish").await;
    job.finish_in(&transaction, "finished").await?;
    say("finished");
    released("commit").await;
    Ok(transaction.commit().await?)
}

async fn by_sqlx(url: &str, job: &JobContext) -> anyhow::Result<()> {
    let (database, schema) = url.split_once("?schema=").expect("the URL names a schema");
    let mut connection = sqlx_0_9::PgConnection::connect(database).await?;
    let mut transaction = connection.begin().await?;
    let place = sqlx_0_9::AssertSqlSafe(format!("SET LOCAL search_path TO {schema}"));
    sqlx_0_9::query(place).execute(&mut *transaction).await?;
    sqlx_0_9::query(EFFECT).execute(&mut *transaction).await?;
    say("began");
    released("finish").await;
    job.finish_in(&mut transaction, "finished").await?;
    say("finished");
    released("commit").await;
    Ok(transaction.commit().await?)
}

fn by_rusqlite(file: &str, job: &JobContext) -> anyhow::Result<()> {
    let mut connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(EFFECT, [])?;
    say("began");
    released_blocking("finish".to_owned());
    job.finish_in(&transaction, "finished")?;
    say("finished");
    released_blocking("commit".to_owned());
    Ok(transaction.commit()?)
}

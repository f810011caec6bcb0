//! The statements that store new jobs.

use std::borrow::Cow;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::Param;
use super::failure::Failed;
use super::handover::HandOver;
use super::look::malformed;
use super::new_job;
use super::rows::{job_id, millis};
use super::server::Server;
use super::text;
use crate::error::Result;
use crate::job::NewJob;
use crate::store::{Push, Pushed, Stored, Topic};

/// Stores pushes together, of which either all are plain or none.
pub(super) async fn store(server: &Arc<Server>, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    for push in pushes {
        push.jobs.iter().for_each(|job| server.heads.enter(job, millis(job.run_at.unwrap_or(push.now))));
    }
    match pushes {
        [push] if push.jobs.len() == 1 && new_job::are_plain(push) => Ok(vec![Ok(store_one(server, push).await?)]),
        [push, ..] if new_job::are_plain(push) => match alike(pushes) {
            Some(first) => store_alike(server, pushes, first).await,
            None => store_plain(server, pushes).await,
        },
        _ => store_special(server, pushes).await,
    }
}

/// Stores one plain job: a statement without arrays takes half of the time.
async fn store_one(server: &Arc<Server>, push: &Push) -> Result<Stored, Failed> {
    let (job, now) = (&push.jobs[0], millis(push.now));
    let args = text::stored(&job.args);
    let retries = i64::from(job.retries);
    let version = i64::from(job.version);
    let flags = new_job::flags(job);
    let run_at = job.run_at.map_or(now, millis);
    let params: [Param<'_>; 9] = [
        (&&*job.name, Type::TEXT),
        (&&*job.queue, Type::TEXT),
        (&args, Type::TEXT),
        (&job.priority, Type::INT4),
        (&retries, Type::INT8),
        (&version, Type::INT8),
        (&flags, Type::INT4),
        (&run_at, Type::INT8),
        (&now, Type::INT8),
    ];
    let seq = match HandOver::begin(server, job, 1, now) {
        Some(hand_over) => {
            let (seqs, left) = hand_over.store("hand_one", &params, &[(job, now)]).await?;
            tell(server, left);
            seqs[0]
        }
        None => {
            let stored = server.call_one_near("SELECT @.push_one($1, $2, $3, $4, $5, $6, $7, $8, $9)", &params).await?;
            tell(server, true);
            stored.get(0)
        }
    };
    Ok(Stored::new(vec![Pushed::New(job_id(seq, now))], Vec::new()))
}

/// Tells others of jobs that are in the line now.
fn tell(server: &Server, in_line: bool) {
    if in_line {
        server.hints.tell(Topic::Ready);
    }
}

/// The first job, if the others differ from it in their arguments only.
fn alike<'a>(pushes: &[&'a Push]) -> Option<&'a NewJob> {
    let mut jobs = pushes.iter().flat_map(|push| &push.jobs);
    let first = jobs.next().filter(|job| job.run_at.is_none())?;
    let head = |job: &NewJob| (job.priority, job.retries, job.version, job.run_at, new_job::flags(job));
    jobs.all(|job| head(job) == head(first) && job.name == first.name && job.queue == first.queue).then_some(first)
}

async fn store_alike(server: &Arc<Server>, pushes: &[&Push], first: &NewJob) -> Result<Vec<Result<Stored>>, Failed> {
    let jobs = || pushes.iter().flat_map(|push| push.jobs.iter().map(move |job| (job, millis(push.now))));
    let args: Vec<Cow<'_, str>> = jobs().map(|(job, _)| text::stored(&job.args)).collect();
    let created_ats: Vec<i64> = jobs().map(|(_, now)| now).collect();
    let (retries, version) = (i64::from(first.retries), i64::from(first.version));
    let flags = new_job::flags(first);
    let params: [Param<'_>; 8] = [
        (&&*first.name, Type::TEXT),
        (&&*first.queue, Type::TEXT),
        (&args, Type::TEXT_ARRAY),
        (&first.priority, Type::INT4),
        (&retries, Type::INT8),
        (&version, Type::INT8),
        (&flags, Type::INT4),
        (&created_ats, Type::INT8_ARRAY),
    ];
    let seqs = match HandOver::begin(server, first, args.len(), created_ats.iter().copied().max().unwrap_or_default()) {
        Some(hand_over) => {
            let all: Vec<_> = jobs().collect();
            let (seqs, left) = hand_over.store("hand_alike", &params, &all).await?;
            tell(server, left);
            seqs
        }
        None => {
            let stored = server.call_one_near("SELECT @.push_alike($1, $2, $3, $4, $5, $6, $7, $8)", &params).await?;
            tell(server, true);
            stored.get(0)
        }
    };
    Ok(stored_as(pushes, seqs))
}

async fn store_plain(server: &Arc<Server>, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    let jobs = || pushes.iter().flat_map(|push| push.jobs.iter().map(move |job| (job, millis(push.now))));
    let names: Vec<&str> = jobs().map(|(job, _)| &*job.name).collect();
    let queues: Vec<&str> = jobs().map(|(job, _)| &*job.queue).collect();
    let args: Vec<Cow<'_, str>> = jobs().map(|(job, _)| text::stored(&job.args)).collect();
    let priorities: Vec<i32> = jobs().map(|(job, _)| job.priority).collect();
    let retries: Vec<i64> = jobs().map(|(job, _)| job.retries.into()).collect();
    let versions: Vec<i64> = jobs().map(|(job, _)| job.version.into()).collect();
    let flags: Vec<i32> = jobs().map(|(job, _)| new_job::flags(job)).collect();
    let run_ats: Vec<i64> = jobs().map(|(job, now)| job.run_at.map_or(now, millis)).collect();
    let created_ats: Vec<i64> = jobs().map(|(_, now)| now).collect();
    let stored = server
        .call_one_near(
            "SELECT @.push_plain($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                (&names, Type::TEXT_ARRAY),
                (&queues, Type::TEXT_ARRAY),
                (&args, Type::TEXT_ARRAY),
                (&priorities, Type::INT4_ARRAY),
                (&retries, Type::INT8_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&flags, Type::INT4_ARRAY),
                (&run_ats, Type::INT8_ARRAY),
                (&created_ats, Type::INT8_ARRAY),
            ],
        )
        .await?;
    tell(server, true);
    Ok(stored_as(pushes, stored.get(0)))
}

/// What became of pushes whose jobs have these numbers.
fn stored_as(pushes: &[&Push], seqs: Vec<i64>) -> Vec<Result<Stored>> {
    let mut seqs = seqs.into_iter();
    let stored = pushes.iter().map(|push| {
        let jobs = seqs.by_ref().take(push.jobs.len());
        let jobs = jobs.map(|seq| Pushed::New(job_id(seq, millis(push.now)))).collect();
        Ok(Stored::new(jobs, Vec::new()))
    });
    stored.collect()
}

async fn store_special(server: &Arc<Server>, pushes: &[&Push]) -> Result<Vec<Result<Stored>>, Failed> {
    let text = serde_json::Value::Array(pushes.iter().copied().map(new_job::push).collect()).to_string();
    let stored: Row = server.call_one_near("SELECT @.push_all($1::text::jsonb)::text", &[(&text, Type::TEXT)]).await?;
    // One may have taken the place of another in the line, or expires.
    server.changed();
    tell(server, true);
    let answers: Vec<new_job::Answer> = serde_json::from_str(stored.get(0)).map_err(malformed)?;
    Ok(answers.into_iter().zip(pushes).map(|(answer, push)| answer.stored(push)).collect())
}

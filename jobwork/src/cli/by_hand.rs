use clap::ArgMatches;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::out::Out;
use crate::client::Jobs;
use crate::error::{Error, Result};
use crate::job::{JobId, JobState};

/// What came of one job: the word to print, or why not.
pub(super) type Answer = std::result::Result<&'static str, Failure>;

/// The jobs that the command line names.
pub(super) fn ids(args: &ArgMatches) -> Vec<JobId> {
    args.get_many("id").unwrap_or_default().copied().collect()
}

/// Prints what came of each job; fails, after that, if something was not done.
pub(super) fn report(ids: &[JobId], answers: Vec<Answer>, out: &mut Out<'_>) -> std::result::Result<(), Failure> {
    let mut failures = Vec::new();
    for (id, answer) in ids.iter().zip(answers) {
        match answer {
            Ok(word) if out.is_json() => out.json(&json!({ "id": id, "answer": word }))?,
            Ok(word) => out.line(&format!("{id}  {word}"))?,
            Err(failure) => {
                if out.is_json() {
                    out.json(&json!({ "id": id, "answer": null, "error": failure.message }))?;
                }
                failures.push(failure);
            }
        }
    }
    Failure::all(failures)
}

/// Answers for a store that says of each job only whether it did as it was asked.
pub(super) async fn answers(
    jobs: &Jobs,
    ids: &[JobId],
    done: &[bool],
    (word, rule): (&'static str, fn(JobState) -> &'static str),
) -> Result<Vec<Answer>> {
    let found = jobs.inspect()?.get(ids, jobs.now()).await?;
    let answer = |((id, done), job): ((&JobId, &bool), Option<crate::job::Record>)| match (done, job) {
        (true, _) => Ok(word),
        (false, None) => Err(Failure::from(Error::NoSuchJob(*id))),
        (false, Some(job)) => Err(not_done(*id, job.state, rule(job.state))),
    };
    Ok(ids.iter().zip(done).zip(found).map(answer).collect())
}

pub(super) fn not_done(id: JobId, state: JobState, rule: &str) -> Failure {
    Failure::new(Exit::Failed, format!("job {id} is {state}: {rule}"))
}

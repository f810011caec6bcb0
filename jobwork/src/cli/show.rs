use clap::{ArgMatches, Command};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Failure;
use super::json_text::embedded;
use super::out::Out;
use super::public::{public, state};
use super::root::{flag, id};
use super::time;
use crate::client::Jobs;
use crate::error::Error;
use crate::job::{Attempt, JobId, LogLine, Progress, Record};
use crate::secret::redacted;

pub(super) fn command() -> Command {
    Command::new("show")
        .about("Shows everything about a job, its history and its chain")
        .arg(id())
        .arg(flag("args", "Shows its arguments and its output too, which may be secret; what is encrypted stays so"))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(id) = args.get_one::<JobId>("id").copied() else { return Ok(()) };
    let job = jobs.get(id).await?.ok_or(Error::NoSuchJob(id))?;
    let history = jobs.history(id).await?;
    let log = jobs.log(id).await?;
    let chain = match &job.chain {
        Some(_) => jobs.inspect()?.chain(id, jobs.now()).await?,
        None => Vec::new(),
    };
    let secrets = args.get_flag("args");
    if out.is_json() {
        return Ok(out.json(&document(&job, &history, &log, &chain, secrets)?)?);
    }
    out.fields(&fields(&job, jobs.now(), secrets))?;
    history.iter().try_for_each(|attempt| show_attempt(attempt, out))?;
    if !log.is_empty() {
        out.line("\nlog:")?;
    }
    log.iter().try_for_each(|line| out.line(&log_line(line)))?;
    if !chain.is_empty() {
        out.line("\nchain:")?;
    }
    Ok(chain.iter().try_for_each(|member| out.line(&chain_line(member, id)))?)
}

fn document(
    job: &Record,
    history: &[Attempt],
    log: &[LogLine],
    chain: &[Record],
    secrets: bool,
) -> serde_json::Result<Value> {
    let mut document = public(job)?;
    if secrets {
        document["args"] = embedded(&redacted(&job.args));
        document["output"] = job.output.as_deref().map_or(Value::Null, |output| embedded(&redacted(output)));
    }
    document["history"] = serde_json::to_value(history)?;
    document["log"] = serde_json::to_value(log)?;
    let member = |job: &Record| json!({ "id": job.id, "name": job.name, "state": job.state });
    document["members"] = chain.iter().map(member).collect();
    Ok(document)
}

fn fields(job: &Record, now: Timestamp, secrets: bool) -> Vec<(&'static str, String)> {
    let at = |time: Option<Timestamp>| time.map(|time| time::at(time, now));
    let secret = |text: &str| if secrets { redacted(text).into_owned() } else { "(shown with --args)".to_owned() };
    let member = |member: &crate::job::Member| format!("{}, member {}", member.chain, member.position + 1);
    let fields = [
        ("id", Some(job.id.to_string())),
        ("name", Some(job.name.clone())),
        ("state", Some(state(job))),
        ("reason", job.reason.clone()),
        ("queue", Some(job.queue.clone())),
        ("priority", Some(job.priority.to_string())),
        ("attempt", Some(format!("{} of {}", job.attempt, u64::from(job.retries) + 1))),
        ("rescues", (job.rescues > 0).then(|| job.rescues.to_string())),
        ("tags", (!job.tags.is_empty()).then(|| job.tags.join(" "))),
        ("created", at(Some(job.created_at))),
        ("due", at(Some(job.run_at))),
        ("started", at(job.started_at)),
        ("finished", at(job.finished_at)),
        ("worker", job.worker.map(|worker| worker.to_string())),
        ("chain", job.chain.as_ref().map(member)),
        ("batch", job.batch.map(|batch| batch.to_string())),
        ("progress", job.progress.as_ref().map(progress)),
        ("arguments", Some(secret(&job.args))),
        ("output", job.output.as_deref().map(secret)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn progress(progress: &Progress) -> String {
    format!("{:.0} % {}", progress.fraction() * 100.0, progress.message())
}

fn show_attempt(attempt: &Attempt, out: &mut Out<'_>) -> std::io::Result<()> {
    let at = attempt.at.round(jiff::Unit::Second).unwrap_or(attempt.at);
    out.line(&format!("\nattempt {}: {} at {at}, by worker {}", attempt.attempt, attempt.outcome, attempt.worker))?;
    let Some(failure) = &attempt.failure else { return Ok(()) };
    let from = failure.middleware.as_deref().map(|name| format!(" in middleware {name}")).unwrap_or_default();
    out.line(&format!("  {}{from}: {}", failure.kind, failure.message))?;
    failure.detail.iter().flat_map(|detail| detail.lines()).try_for_each(|line| out.line(&format!("  {line}")))
}

fn log_line(line: &LogLine) -> String {
    let at = line.at.round(jiff::Unit::Second).unwrap_or(line.at);
    format!("  {at} #{} {:<5} {}", line.attempt, line.level, line.text)
}

fn chain_line(member: &Record, shown: JobId) -> String {
    let mark = if member.id == shown { '>' } else { ' ' };
    format!("{mark} {}  {}  {}", member.id, member.name, state(member))
}

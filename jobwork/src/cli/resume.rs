use clap::{ArgMatches, Command};
use serde_json::json;

use super::exit::Failure;
use super::out::Out;
use super::target;
use crate::client::Jobs;

pub(super) fn command() -> Command {
    Command::new("resume")
        .about("Ends a pause of the same target; what was paused otherwise stays so")
        .args(target::args())
        .group(target::group().required(true))
}

pub(super) async fn run(args: &ArgMatches, jobs: &Jobs, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(target) = target::target(args) else { return Ok(()) };
    let resumed = jobs.resume(target.clone()).await?;
    Ok(match resumed {
        _ if out.is_json() => out.json(&json!({ "target": target, "resumed": resumed })),
        true => out.line(&format!("{target}  resumed")),
        false => out.line(&format!("{target}  was not paused; `pause` lists what is")),
    }?)
}

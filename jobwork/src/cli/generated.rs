use std::future::Future;
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use super::exit::{Exit, Failure, end};
use super::log::Log;
use super::nearest::{choice, nearest};
use super::out::Out;
use super::{bench, dispatch, jobs, root, standalone, work};
use crate::client::Jobs;
use crate::worker::{App, IntoApp, OwnCommand};

/// The program of `#[jobwork::main]`: reads the command line, lets `configure` make the app, and runs the command;
/// `work` where none is given.
pub fn main<F, Fut>(configure: F) -> ExitCode
where
    F: FnOnce(App) -> Fut,
    Fut: Future<Output: IntoApp>,
{
    let program = root::program();
    let matches = match command(&program).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return standalone::refused(&error),
    };
    let runtime = match standalone::runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return end(Err(failure)),
    };
    let result = runtime.block_on(run(&program, &matches, configure));
    // Blocking jobs that were abandoned must not hold the process.
    runtime.shutdown_background();
    end(result)
}

fn command(program: &str) -> Command {
    root::root(program)
        .about("Works jobs, and looks at them and changes them by hand")
        .subcommands([work::command(), jobs::command()].map(root::with_help))
        .allow_external_subcommands(true)
}

async fn run<F, Fut>(program: &str, matches: &ArgMatches, configure: F) -> Result<(), Failure>
where
    F: FnOnce(App) -> Fut,
    Fut: Future<Output: IntoApp>,
{
    let (name, args) = matches.subcommand().unwrap_or(("work", matches));
    if matches.get_flag("help") || name == "help" {
        return help(program, configure(App::new()).await.into_app().map(|mut app| app.take_commands()));
    }
    let log = Log::new(matches, level(name))?;
    let (app, own) = make_app(matches, &log, configure).await?;
    log.start();
    let mut stdout = std::io::stdout();
    let mut out = Out::new(matches.get_flag("json"), &mut stdout);
    perform(program, (name, args), (app, own), &mut out).await
}

/// What the program writes that is called with these words, or the code that it ends with and what it says of that. For tests, which have
/// the store and the program's jobs in `app`.
///
/// # Errors
/// The exit code and the message.
pub async fn answer(words: &[String], app: App) -> Result<String, (u8, String)> {
    let mut written = Vec::new();
    let said = |failure: Failure| (failure.exit as u8, failure.message);
    let matches = command("app").try_get_matches_from(words).map_err(|error| (Exit::Usage as u8, error.to_string()))?;
    let Some(called) = matches.subcommand() else { return Ok(String::new()) };
    let mut out = Out::new(matches.get_flag("json"), &mut written);
    perform("app", called, (app, Vec::new()), &mut out).await.map_err(said)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

async fn perform(
    program: &str,
    (name, args): (&str, &ArgMatches),
    (mut app, own): (App, Vec<OwnCommand>),
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    match name {
        "work" => work::run(args, app.connected().await?.0, out).await,
        "jobs" => jobs::run(&app.registry()?, out),
        "dispatch" => {
            let registry = app.registry()?;
            dispatch::run(args, &app.connected().await?.1, Some(&registry), out).await
        }
        "bench" => match app.url_to_open() {
            Some(url) => bench::run_beside(args, &url, out).await,
            None => bench::run(args, &app.connected().await?.1, out).await,
        },
        _ if command(program).find_subcommand(name).is_some() => {
            standalone::run(name, args, &app.connected().await?.1, out).await
        }
        _ => {
            let known = own.iter().position(|own| own.name == name);
            let Some(at) = known else { return Err(unknown(program, name, &own)) };
            let mut own = own;
            app = app.connected().await?.0;
            let words = args.get_many::<std::ffi::OsString>("").unwrap_or_default();
            let words = words.map(|word| word.to_string_lossy().into_owned()).collect();
            (own.swap_remove(at).run)(app, words).await.map_err(|error| Failure::of(&*error))
        }
    }
}

/// What is logged without being asked for: a worker's life is its log, while the other commands, the program's own among
/// them, say what they have to say by themselves.
fn level(command: &str) -> tracing::Level {
    if command == "work" { tracing::Level::INFO } else { tracing::Level::WARN }
}

/// The app, with the store of the command line in it, which stands above one in the program.
async fn make_app<F, Fut>(matches: &ArgMatches, log: &Log, configure: F) -> Result<(App, Vec<OwnCommand>), Failure>
where
    F: FnOnce(App) -> Fut,
    Fut: Future<Output: IntoApp>,
{
    let jobs = match root::store(matches) {
        Some(url) => Some(Jobs::connect(url).await?),
        None => None,
    };
    let given = jobs.clone().map_or_else(App::new, |jobs| {
        jobs.make_default();
        App::new().jobs(jobs)
    });
    let scope = log.scope();
    let made = configure(given).await.into_app();
    drop(scope);
    let mut app = made.map_err(|error| Failure::of(&*error))?;
    let own = app.take_commands();
    check_names(&own)?;
    Ok((jobs.into_iter().fold(app, App::jobs), own))
}

/// Refuses a command of the program's own that could not be called.
fn check_names(own: &[OwnCommand]) -> Result<(), Failure> {
    let builtin = command("");
    for (at, command) in own.iter().enumerate() {
        let name = &command.name;
        let problem = match () {
            () if name == "help" || builtin.find_subcommand(name).is_some() => "is built in",
            () if own[..at].iter().any(|other| other.name == *name) => "is there twice",
            () if name.is_empty() || name.starts_with('-') => "is not a word",
            () => continue,
        };
        let message = format!("the app's own command `{name}` {problem}: give it another name in `App::command`");
        return Err(Failure::new(Exit::Failed, message));
    }
    Ok(())
}

fn unknown(program: &str, name: &str, own: &[OwnCommand]) -> Failure {
    let builtin = command(program);
    let known = builtin.get_subcommands().map(Command::get_name).chain(own.iter().map(|own| own.name.as_str()));
    let alike = nearest(name, known);
    let hint = match alike.is_empty() {
        true => format!("`{program} --help` lists those there are"),
        false => format!("did you mean {}?", choice(&alike)),
    };
    Failure::new(Exit::Usage, format!("unknown command `{name}`; {hint}"))
}

/// The help of the whole program. The app's own commands are known only when there is an app.
fn help(program: &str, own: Result<Vec<OwnCommand>, Box<dyn std::error::Error + Send + Sync>>) -> Result<(), Failure> {
    use std::io::Write;

    let (own, problem) = own.map_or_else(|error| (Vec::new(), Some(error)), |own| (own, None));
    let own = own.into_iter().map(|own| Command::new(own.name).about(own.about));
    write!(std::io::stdout(), "{}", command(program).subcommands(own).render_help())?;
    if let Some(error) = problem {
        let text = Failure::of(&*error).message;
        // Where nobody reads it, there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "note: its own commands are missing here, for its `main` failed: {text}");
    }
    Ok(())
}

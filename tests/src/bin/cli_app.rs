//! A program with a few jobs and a command of its own, for the tests of its command line.

use jobwork::prelude::*;

#[job(alias = ["hail"], queue = "mail", priority = 3, retries = 5)]
async fn greet(name: String, times: u32, job: JobContext) -> Result<String, JobError> {
    tracing::info!(times, "greeting");
    println!("hello {name} (attempt {})", job.attempt());
    Ok(format!("hello {name}"))
}

/// Always fails, and takes nothing.
#[job(retries = 0)]
async fn fail() -> Result<(), &'static str> {
    Err("out of \u{1b}[31mpaper")
}

/// Shares its place with others, and has not for ever.
#[job(unique, concurrency = 1, ordered = folder, expires = "1h", retry_for = "2h", retain = "3h")]
async fn import(folder: String, file: String) {
    println!("importing {folder}/{file}");
}

/// Blocks its thread for ever, whatever it is told.
#[job(cleanup = "1ms")]
fn hang() {
    println!("hanging");
    loop {
        std::thread::park();
    }
}

/// What can keep the program from having an app.
#[derive(Debug)]
struct NoApp(std::num::ParseIntError);

impl std::fmt::Display for NoApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("can't read the port")
    }
}

impl std::error::Error for NoApp {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Dispatches a greeting for each name to whatever store the program uses, and works them off.
async fn publish(app: App, names: Vec<String>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if names.is_empty() {
        return Err("expected names to greet".into());
    }
    for name in names {
        Greet::dispatch(name, 1).await?;
    }
    println!("completed {}", app.run_until_empty().await?.completed);
    Ok(())
}

#[jobwork::main]
async fn main(app: App) -> Result<App, NoApp> {
    let is = |wanted| std::env::var("CLI_APP").is_ok_and(|set| set == wanted);
    tracing::info!("configuring");
    if is("broken") {
        "x".parse::<u16>().map_err(NoApp)?;
    }
    if is("own log") {
        // It would fail if the program's log had been set up before.
        tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default()).expect("no log yet");
    }
    let app = app.cron("greetings", "@hourly", || Greet::dispatch("ann", 7)).command(
        "publish",
        "Greets everybody who is named",
        publish,
    );
    Ok(if is("bad command") { app.command("list", "Shadows a command", publish) } else { app })
}

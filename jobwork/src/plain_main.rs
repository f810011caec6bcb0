use std::future::Future;
use std::process::ExitCode;

use crate::worker::{App, IntoApp};

/// The program of `#[jobwork::main]` without the `cli` feature: it runs the worker that `configure` makes, and nothing
/// else. It exits with 0 after a stop, 4 when jobs were abandoned, and 1 when the worker can't start.
pub fn main<F, Fut>(configure: F) -> ExitCode
where
    F: FnOnce(App) -> Fut,
    Fut: Future<Output: IntoApp>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let report = runtime.block_on(async {
        let app = configure(App::new()).await.into_app()?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(app.run().await?)
    });
    // Blocking jobs that were abandoned must not hold the process.
    runtime.shutdown_background();
    match report {
        Ok(report) if report.abandoned.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(4),
        Err(error) => failed(&*error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

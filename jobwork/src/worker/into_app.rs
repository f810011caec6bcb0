use std::error::Error as StdError;

use super::App;

/// What the function under `#[jobwork::main]` may return.
#[diagnostic::on_unimplemented(
    message = "`main` returns `{Self}`, which is not an app",
    label = "expected `App` or `Result<App, E>`",
    note = "the error `E` of the result must convert into `Box<dyn Error + Send + Sync>`, as `anyhow::Error` does"
)]
pub trait IntoApp {
    /// The app, or why there is none.
    ///
    /// # Errors
    /// The function's own.
    fn into_app(self) -> Result<App, Box<dyn StdError + Send + Sync>>;
}

impl IntoApp for App {
    fn into_app(self) -> Result<App, Box<dyn StdError + Send + Sync>> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> IntoApp for Result<App, E> {
    fn into_app(self) -> Result<App, Box<dyn StdError + Send + Sync>> {
        self.map_err(Into::into)
    }
}

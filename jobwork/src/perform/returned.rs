use std::error::Error as StdError;

use crate::job::JobError;

/// What a job's function may return: nothing, or a `Result` whose error is any error.
#[diagnostic::on_unimplemented(
    message = "a job can't return `{Self}`",
    label = "expected `()` or `Result<T, E>`",
    note = "`T` must be serde's `Serialize` and `Deserialize`, and `E` an error, a `String` or an `anyhow::Error`"
)]
pub trait JobReturn {
    /// The value of a success.
    type Output;

    /// The value as a result.
    ///
    /// # Errors
    /// What the job returned as its error.
    fn into_result(self) -> Result<Self::Output, JobError>;
}

impl JobReturn for () {
    type Output = ();

    fn into_result(self) -> Result<(), JobError> {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> JobReturn for Result<T, E>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = T;

    fn into_result(self) -> Result<T, JobError> {
        self.map_err(|error| JobError::from_boxed(error.into()))
    }
}

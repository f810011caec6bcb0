//! Jobs that a small program dispatches and a big one performs.
//!
//! Without the feature `worker` there is the job's type, to dispatch it by, and not its function: what only the
//! function needs is an optional dependency of that feature.

use jobwork::prelude::*;

/// Finds the addresses of web pages in a text.
#[job(feature = "worker")]
pub async fn find_links(text: String) -> Result<Vec<String>, JobError> {
    let pattern = regex::Regex::new(r"https?://[^\s,]+").map_err(|error| JobError::dead(error.to_string()))?;
    Ok(pattern.find_iter(&text).map(|found| found.as_str().to_owned()).collect())
}

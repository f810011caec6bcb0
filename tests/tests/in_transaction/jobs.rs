use jobwork::job;

/// Returns what it is given.
#[job]
pub(crate) async fn echo(text: String) -> Result<String, String> {
    Ok(text)
}

/// Adds to what it is given.
#[job]
pub(crate) async fn exclaim(text: String) -> Result<String, String> {
    Ok(format!("{text}!"))
}

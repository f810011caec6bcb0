use arbitrary::{Result, Unstructured};
use jobwork::__private::check_url;
use jobwork::Error;

/// What no message may contain.
const PASSWORD: &str = "hunter2-and-more";

/// URLs of stores: read, or refused with what was expected, and never with the password.
///
/// # Panics
/// Where that does not hold.
pub fn urls(bytes: &[u8]) {
    check(&String::from_utf8_lossy(bytes), false);
    // Where nothing is left of the bytes, there is nothing more to try.
    let _ = with_password(&mut Unstructured::new(bytes));
}

fn with_password(input: &mut Unstructured<'_>) -> Result<()> {
    let scheme = *input.choose(&["postgres://", "postgresql://", "postgres:", "mysql://", "redis:", ""])?;
    let place =
        *input.choose(&["@", "@db/app?", "@db:5432/app?schema=", "@db/app?sslmode=", "@db/app?connections="])?;
    let rest: &str = input.arbitrary()?;
    check(&format!("{scheme}ann:{PASSWORD}{place}{rest}"), place.len() > 1 && !scheme.is_empty());
    let option = *input.choose(&["password", "sslpassword", "options"])?;
    if option == "password" {
        check(&format!("{scheme}db/app?{rest}&{option}={PASSWORD}"), scheme.contains("//"));
    }
    Ok(())
}

fn check(url: &str, has_password: bool) {
    let Err(error) = check_url(url) else { return };
    let message = error.to_string();
    assert!(matches!(error, Error::Url { .. }), "{error:?}");
    assert!(!message.is_empty());
    assert!(!has_password || !message.contains(PASSWORD), "{message}");
}

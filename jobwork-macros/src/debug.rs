//! `JOBWORK_DEBUG_MACRO=name cargo check` prints what a macro makes of the function `name`.

use std::io::Write;
use std::process::{Command, Stdio};

use proc_macro2::{Ident, TokenStream};

/// Prints the expansion to standard error when it was asked for.
pub(crate) fn print(name: &Ident, expansion: &TokenStream) {
    if std::env::var("JOBWORK_DEBUG_MACRO").is_ok_and(|wanted| name == &wanted) {
        let code = expansion.to_string();
        eprintln!("{}", formatted(&code).unwrap_or(code));
    }
}

/// The code as `rustfmt` writes it; nothing where it is not installed.
fn formatted(code: &str) -> Option<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // Dropping the pipe ends rustfmt's input.
    rustfmt.stdin.take()?.write_all(code.as_bytes()).ok()?;
    let output = rustfmt.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}

//! `jobwork`: looks at the jobs of any store and changes them by hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobwork::__private::standalone()
}

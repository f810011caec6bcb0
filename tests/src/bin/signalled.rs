//! The worker that the tests in `processes` start and send signals to.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobwork_tests::signalled::main()
}

//! The function is handed to the runtime, and the program ends with the runtime's code.
mod runtime {
    pub mod __private {
        use std::process::ExitCode;

        pub fn main<F: AsyncFnOnce(u8) -> Result<u8, String>>(_: F) -> ExitCode {
            ExitCode::SUCCESS
        }
    }
}

#[jobwork::main(crate = crate::runtime)]
async fn main(app: u8) -> Result<u8, String> {
    Ok(app)
}

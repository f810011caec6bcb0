//! `App` itself and a `Result` of it with any error that boxes are what the runtime takes.
mod plain {
    #[jobwork::main]
    pub(crate) async fn main(app: jobwork::App) -> jobwork::App {
        app
    }
}

mod text {
    #[jobwork::main]
    pub(crate) async fn main(app: jobwork::App) -> Result<jobwork::App, &'static str> {
        Ok(app)
    }
}

fn main() {
    let _ = [plain::main as fn() -> std::process::ExitCode, text::main];
}

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A script of the folder `ci` that keeps a server for as long as this lives. The server ends with the script's input, so
/// also when this process is killed.
#[derive(Debug)]
pub(super) struct Kept {
    script: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Kept {
    /// Starts the script, and waits for the URL that it prints.
    ///
    /// # Errors
    /// What the script says when it can't start the server.
    pub(super) fn start(script: &str, arguments: &[&str]) -> Result<Self, String> {
        let mut script = Command::new("bash")
            .arg(format!("{}/../ci/{script}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            // Whoever kills the tests kills their process group, and a killed script couldn't stop its server.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("can't run bash: {error}"))?;
        let output = BufReader::new(script.stdout.take().expect("its output is piped"));
        let mut kept = Self { script, output, url: String::new() };
        kept.url = kept.line()?;
        Ok(kept)
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Has the script do what the verb says, and waits until it is done.
    ///
    /// # Errors
    /// What the script says when it can't.
    pub(super) fn obey(&mut self, verb: &str) -> Result<(), String> {
        let input = self.script.stdin.as_mut().expect("its input is piped");
        writeln!(input, "{verb}").map_err(unreadable)?;
        self.line().map(drop)
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(unreadable)?;
        if line.is_empty() { Err(self.errors()) } else { Ok(line.trim_end().to_owned()) }
    }

    /// What it says as it ends.
    fn errors(&mut self) -> String {
        let mut errors = String::new();
        match self.script.stderr.as_mut().expect("its errors are piped").read_to_string(&mut errors) {
            Ok(_) => errors.trim_end().to_owned(),
            Err(error) => unreadable(error),
        }
    }
}

/// Waits for a script without keeping the runtime from its work.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await.expect("the script is asked without a panic");
    done.unwrap_or_else(|error| panic!("{error}"))
}

fn unreadable(error: io::Error) -> String {
    format!("can't speak with the script that keeps the server: {error}")
}

impl Drop for Kept {
    fn drop(&mut self) {
        // That closes the script's input first.
        let _ = self.script.wait();
    }
}

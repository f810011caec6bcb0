use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a job store, and the program that uses it.
pub(crate) struct Shop {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The program with these words, in a clean environment, on the store of this shop.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cli_app"));
        for name in ["JOBWORK_URL", "JOBWORK_LOG", "RUST_LOG", "JOBWORK_LOG_FORMAT", "NO_COLOR", "CLI_APP"] {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env("JOBWORK_URL", "sqlite:shop.db").args(words);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn say(&self, words: &[&str]) -> Said {
        Said::of(&self.command(words).output().unwrap())
    }

    /// What the command prints when it succeeds.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let said = self.say(words);
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.out
    }

    /// The one JSON document that the command prints.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let out = self.ok(&[words, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
    }

    /// The objects that the command prints, one a line.
    pub(crate) fn lines(&self, words: &[&str]) -> Vec<Value> {
        let out = self.ok(&[words, &["--json"]].concat());
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Dispatches a job, and returns its id.
    pub(crate) fn dispatch(&self, words: &[&str]) -> String {
        self.ok(&[&["dispatch"], words].concat()).trim().to_owned()
    }

    pub(crate) fn state(&self, id: &str) -> String {
        self.json(&["show", id])["state"].as_str().unwrap().to_owned()
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Fails unless the command failed with this code, and said why in these words.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains("error: "), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:?}");
        }
    }
}

/// An id of a job or worker that no store gave out.
pub(crate) const NOBODY: &str = "01a200df-160b-8000-8000-00000000ffff";

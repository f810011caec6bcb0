//! What a run of the program asked of the disk, with its lines, in one order.
//!
//! strace stops a thread at the beginning and at the end of each call, and goes on with it when that is written down. So a line that the program
//! writes after a call of the store has returned comes after all that the call waited for. A write may reach the disk from its beginning
//! on, and a sync holds from its end on, for the writes that had ended when it began.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use super::call::{self, Answer, Call, Printed};
use super::operation::{Change, Operation};
use super::script::Script;
use super::strace;

/// How the name of SQLite's index of the log ends, which is made anew from the log.
const INDEX: &str = "-shm";

/// What was recorded.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) operations: Vec<Operation>,
}

impl Recording {
    /// Runs a script in `program`, which is this one or another that has its command line, in a folder of its own.
    ///
    /// # Errors
    /// When strace is missing or may not trace, when the script fails, and when it did something that the model of the disk does not know.
    pub fn of(program: &Path, script: &Script) -> anyhow::Result<Self> {
        let temporary = tempfile::tempdir()?;
        // As the kernel names it.
        let place = temporary.path().canonicalize()?;
        let (folder, lines, log) = (place.join("store"), place.join("lines"), place.join("log"));
        fs::create_dir(&folder)?;
        let text =
            |path: &Path| path.to_str().map(str::to_owned).context("the folder for temporary files has a strange name");
        let (folder, lines) = (text(&folder)?, text(&lines)?);
        let arguments = script.arguments(&folder, &lines);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        strace::run(program, &arguments, &log)?;
        let printed = fs::read_to_string(&log).context("can't read what strace printed")?;
        Reading::new(&folder, &lines).read(&printed)
    }

    /// How many operations and lines it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// Reads what strace printed.
struct Reading {
    folder: String,
    lines: String,
    operations: Vec<Operation>,
    /// What each thread is in the middle of.
    begun: HashMap<u32, Begun>,
    /// The names in the folder.
    names: HashSet<Arc<str>>,
}

/// A call of which the end has not been read.
enum Begun {
    Create(Arc<str>),
    Remove(Arc<str>),
    /// The operation that it is.
    Write(Arc<str>, usize),
    Sync(Arc<str>, usize),
    SyncFolder(usize),
    Unrelated,
}

impl Reading {
    fn new(folder: &str, lines: &str) -> Self {
        let (folder, lines) = (folder.to_owned(), lines.to_owned());
        Self { folder, lines, operations: Vec::new(), begun: HashMap::new(), names: HashSet::new() }
    }

    fn read(mut self, printed: &str) -> anyhow::Result<Recording> {
        for line in printed.lines() {
            let (thread, printed) = call::read(line)?;
            let answer = match printed {
                Printed::Begins { call, answer } => {
                    let begun = self.begins(&call).with_context(|| format!("{line:.300}"))?;
                    self.begun.insert(thread, begun);
                    answer
                }
                Printed::Ends(answer) => Some(answer),
                Printed::Other => None,
            };
            if let Some(answer) = answer {
                let begun = self.begun.remove(&thread).context("a call has ended that never began")?;
                self.ends(begun, answer);
            }
        }
        Ok(Recording { operations: self.operations })
    }

    fn begins(&mut self, call: &Call<'_>) -> anyhow::Result<Begun> {
        Ok(match (call.name, self.open_name(call)?) {
            ("write", _) if call.open_file(0)?.as_ref() == Some(&self.lines) => {
                let line = serde_json::from_slice(&call.bytes(1)?)?;
                self.operations.push(Operation::Line(line));
                Begun::Unrelated
            }
            ("openat", _) => match self.name(&call.path(1)?) {
                Some(_) if call.has(2, "O_TRUNC") => bail!("a file of the store is cut by opening it"),
                Some(name) if call.has(2, "O_CREAT") => Begun::Create(name),
                _ => Begun::Unrelated,
            },
            ("unlink", _) => self.name(&call.path(0)?).map_or(Begun::Unrelated, Begun::Remove),
            ("pwrite64", Some(name)) => {
                let bytes: Arc<[u8]> = call.bytes(1)?.into();
                ensure!(bytes.len() == call.number(2)?, "a write was cut short");
                self.write(name, Change::Bytes { at: call.number(3)?, bytes })
            }
            ("ftruncate", Some(name)) => self.write(name, Change::Length(call.number(1)?)),
            ("fsync" | "fdatasync", Some(name)) => self.sync(name),
            ("fsync" | "fdatasync", None) => match call.open_file(0)? {
                Some(path) if path == self.folder => Begun::SyncFolder(self.operations.len()),
                _ => Begun::Unrelated,
            },
            // What is only read needs no sync.
            ("mmap", _) if !(call.has(2, "PROT_WRITE") && call.has(3, "MAP_SHARED")) => Begun::Unrelated,
            _ if call.mentions(&self.folder) && !call.mentions(INDEX) => {
                bail!("the model of the disk doesn't know what {} does here", call.name)
            }
            _ => Begun::Unrelated,
        })
    }

    fn write(&mut self, name: Arc<str>, change: Change) -> Begun {
        self.operations.push(Operation::Write { name: Arc::clone(&name), change });
        Begun::Write(name, self.operations.len() - 1)
    }

    fn sync(&self, synced: Arc<str>) -> Begun {
        // Not what is being written to the file at this moment.
        let under_way = self.begun.values().filter_map(|begun| match begun {
            Begun::Write(name, operation) if *name == synced => Some(*operation),
            _ => None,
        });
        let covers = under_way.min().unwrap_or(self.operations.len());
        Begun::Sync(synced, covers)
    }

    fn ends(&mut self, begun: Begun, answer: Answer) {
        match (begun, answer) {
            (Begun::Create(name), Some(_)) if self.names.insert(Arc::clone(&name)) => {
                self.operations.push(Operation::Create { name });
            }
            (Begun::Remove(name), Some(_)) => {
                self.names.remove(&name);
                self.operations.push(Operation::Remove { name });
            }
            (Begun::Write(_, operation), answer) => self.written(operation, answer),
            (Begun::Sync(name, covers), Some(_)) => self.operations.push(Operation::Sync { name, covers }),
            (Begun::SyncFolder(covers), Some(_)) => self.operations.push(Operation::SyncFolder { covers }),
            _ => {}
        }
    }

    /// A write may turn out to be shorter than was asked for.
    fn written(&mut self, operation: usize, answer: Answer) {
        let operation = &mut self.operations[operation];
        match (answer, &mut *operation) {
            (None, _) => *operation = Operation::Nothing,
            (Some(count), Operation::Write { change: Change::Bytes { bytes, .. }, .. }) => {
                *bytes = bytes[..count as usize].into();
            }
            _ => {}
        }
    }

    /// The name of the open file that a call is about; `None` where there is none, it lies elsewhere, or it has been removed.
    fn open_name(&self, call: &Call<'_>) -> anyhow::Result<Option<Arc<str>>> {
        let is_about_one = matches!(call.name, "pwrite64" | "ftruncate" | "fsync" | "fdatasync");
        let path = if is_about_one { call.open_file(0)? } else { None };
        Ok(path.and_then(|path| self.name(&path)))
    }

    /// The name in the folder. The index of the log is left out.
    fn name(&self, path: &str) -> Option<Arc<str>> {
        let name = path.strip_prefix(&self.folder)?.strip_prefix('/')?;
        (!name.ends_with(INDEX)).then(|| name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    fn read(printed: &str) -> anyhow::Result<Vec<Operation>> {
        Ok(Reading::new("/store", "/lines").read(printed)?.operations)
    }

    #[test]
    fn a_sync_does_not_cover_a_write_that_is_under_way() {
        let file = text("/store/a");
        let printed = format!(
            "1 openat(AT_FDCWD</>, \"{file}\", O_RDWR|O_CREAT, 0644) = 3<{file}>\n\
             1 pwrite64(3<{file}>, \"{byte}\", 1, 0) = 1\n\
             1 pwrite64(3<{file}>, \"{byte}\", 1, 1 <unfinished ...>\n\
             2 fsync(3<{file}> <unfinished ...>\n\
             1 <... pwrite64 resumed>) = 1\n\
             2 <... fsync resumed>) = 0\n",
            byte = text("b"),
        );
        let operations = read(&printed).unwrap();
        assert!(
            matches!(operations[..], [Operation::Create { .. }, _, _, Operation::Sync { covers: 2, .. }]),
            "{operations:?}"
        );
    }

    #[test]
    fn what_the_model_of_the_disk_does_not_know_is_refused() {
        let (file, index) = (text("/store/a"), text("/store/a-shm"));
        let mapped = |file: &str| format!("1 mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{file}>, 0) = 0x7f00\n");
        assert!(read(&mapped(&file)).is_err());
        assert!(read(&mapped(&index)).is_ok(), "the index is made anew from the log");
        assert!(read(&format!("1 rename(\"{file}\", \"{file}\") = 0\n")).is_err());
        let removed = format!("1 pwrite64(3<{file}>(deleted), \"{}\", 1, 0) = 1\n", text("b"));
        assert!(read(&removed).is_err());
    }
}

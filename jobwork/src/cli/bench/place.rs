use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::exit::{Exit, Failure};
use crate::client::Jobs;
use crate::store::memory::Memory;

/// A folder for a throw-away file, removed with everything in it when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder of its own in that of `file`, and so most likely on the same disk.
    ///
    /// # Errors
    /// When it can't be created.
    pub(super) fn beside(file: &Path) -> Result<Self, Failure> {
        // The file itself may be elsewhere, if its name is a link.
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = parent.join(format!("jobwork-bench-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).map(|()| Self(folder)).map_err(|error| {
            let hint = "the directory must exist and be yours to write; another store is named with `--store`";
            let message =
                format!("can't create a folder for a throw-away file in {}: {error}; {hint}", parent.display());
            Failure::new(Exit::Failed, message)
        })
    }

    /// Opens a fresh SQLite file in it.
    pub(super) async fn connect(&self) -> Result<Jobs, Failure> {
        // Else the worker would make the throw-away store the process's default, and it could not be closed.
        Jobs::new(std::sync::Arc::new(Memory::new())).make_default();
        Ok(Jobs::connect(&format!("sqlite:{}", self.0.join("bench.db").display())).await?)
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(super) fn remove(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.0).map_err(|error| {
            let message = format!("can't remove {}: {error}; remove it by hand", self.0.display());
            Failure::new(Exit::Failed, message)
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is gone already where all went well, and where it can't be removed nobody can be told.
        let _ = fs::remove_dir_all(&self.0);
    }
}

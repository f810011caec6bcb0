//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Error;

/// A file under construction beside its final place. Dropped without [`Draft::finish`], it is removed.
pub(crate) struct Draft {
    target: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Creates the draft, and the folder of `target` if needed, and opens the draft for writing.
    pub(crate) fn create(target: &Path) -> Result<(Self, BufWriter<File>), Error> {
        // A second run of the same step may overlap a first that is still stopping, even in this process.
        static DRAFTS: AtomicU32 = AtomicU32::new(0);
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".{name}.{}.{number}.part", process::id()));
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        Ok((Self { target: target.to_owned(), path }, BufWriter::new(file)))
    }

    /// Where the draft is until it is finished.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what was written in its final place, in one step.
    pub(crate) fn finish(self) -> Result<(), Error> {
        fs::rename(&self.path, &self.target).map_err(Error::io("finish", &self.target))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove, and nobody to tell otherwise.
        let _ = fs::remove_file(&self.path);
    }
}

/// Refuses a `target` that is the `source` itself, under this name or another.
pub(crate) fn spare(source: &Path, target: &Path) -> Result<(), Error> {
    match (source.canonicalize(), target.canonicalize()) {
        (Ok(source), Ok(target)) if source == target => Err(Error::SameFile { path: source }),
        _ => Ok(()),
    }
}

/// Flushes to the disk, so that the rename that follows never exposes an empty file after a power cut.
pub(crate) fn sync(writer: BufWriter<File>, path: &Path) -> Result<(), Error> {
    let file = writer.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
    file.sync_all().map_err(Error::io("write", path))
}

/// Writes `content` to `target`, whole or not at all.
pub(crate) fn write(target: &Path, content: &[u8]) -> Result<(), Error> {
    let (draft, mut writer) = Draft::create(target)?;
    writer.write_all(content).map_err(Error::io("write", target))?;
    sync(writer, target)?;
    draft.finish()
}

/// Copies `source` to `target`, whole or not at all, and returns its size in bytes.
pub(crate) fn copy(source: &Path, target: &Path) -> Result<u64, Error> {
    let mut reader = File::open(source).map_err(Error::io("read", source))?;
    let (draft, mut writer) = Draft::create(target)?;
    let bytes = std::io::copy(&mut reader, &mut writer).map_err(Error::io("write", target))?;
    sync(writer, target)?;
    draft.finish()?;
    Ok(bytes)
}

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// A directory for a store; where this process may mount, it is a small disk of its own.
#[derive(Debug)]
pub(super) struct Disk {
    directory: TempDir,
    mounted: bool,
}

impl Disk {
    /// An empty one, of so many bytes if it is to be mounted.
    pub(super) fn new(mounted: bool, bytes: u64) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("jobwork-chaos.").tempdir()?;
        let mut disk = Self { directory, mounted: false };
        if mounted {
            disk.call("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "jobwork-chaos"])?;
        }
        disk.mounted = mounted;
        Ok(disk)
    }

    /// Whether it can be filled, and made read-only.
    pub(super) fn is_mounted(&self) -> bool {
        self.mounted
    }

    /// Leaves no room.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let mut filler = File::create(self.filler())?;
        for block in [1 << 20, 1 << 12] {
            let block = vec![0; block];
            // It ends with the error of a full disk.
            while filler.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn empty(&self) -> anyhow::Result<()> {
        fs::remove_file(self.filler()).context("can't empty the disk")
    }

    /// Makes it read-only, which nobody may write to just then, or writable.
    pub(super) fn set_read_only(&self, read_only: bool) -> anyhow::Result<()> {
        self.call("mount", &["-o", if read_only { "remount,ro" } else { "remount,rw" }])
    }

    /// Makes the store's file read-only, or writable.
    pub(super) fn set_file_read_only(&self, read_only: bool) -> anyhow::Result<()> {
        let mode = if read_only { 0o444 } else { 0o644 };
        // It may not have been made yet.
        let file = self.file();
        if file.exists() {
            fs::set_permissions(file, Permissions::from_mode(mode)).context("can't set the mode")
        } else {
            Ok(())
        }
    }

    /// The store's file.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("jobs.db")
    }

    fn filler(&self) -> PathBuf {
        self.directory.path().join("filler")
    }

    fn call(&self, program: &str, words: &[&str]) -> anyhow::Result<()> {
        let status = Command::new(program).args(words).arg(self.directory.path()).status();
        let status = status.with_context(|| format!("can't run {program}"))?;
        ensure!(status.success(), "{program} {} failed", words.join(" "));
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Else it goes with the namespace that it is mounted in.
            let _ = self.call("umount", &["-l"]);
        }
    }
}

//! The programs of Postgres on this machine, and the user that they run as.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Where Debian's packages put the programs, one directory a version.
const PACKAGES: &str = "/usr/lib/postgresql";

/// The programs of one version.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    directory: PathBuf,
    /// Another user than the one that this program runs as.
    user: Option<User>,
}

/// A user's and a group's number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct User {
    user: u32,
    group: u32,
}

impl Programs {
    /// Those on the `PATH`, or else of the newest version that is installed.
    pub(super) fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
        places.extend(packages());
        let directory =
            places.into_iter().find(|place| place.join("initdb").is_file() && place.join("postgres").is_file());
        let directory = directory.context(
            "expected `initdb` and `postgres` on the PATH or in /usr/lib/postgresql: install the package `postgresql`, or name a server by `--store postgres://..`",
        )?;
        Ok(Self { directory, user: user()? })
    }

    /// To run one of them in a directory.
    pub(super) fn command(&self, name: &str, directory: &Path) -> Command {
        let mut command = Command::new(self.directory.join(name));
        command.current_dir(directory);
        if let Some(user) = self.user {
            command.uid(user.user).gid(user.group);
        }
        command
    }

    /// Makes a file or a directory theirs.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        let Some(User { user, group }) = self.user else { return Ok(()) };
        chown(path, Some(user), Some(group)).with_context(|| format!("can't hand over {}", path.display()))
    }
}

/// The directories of the installed versions, the newest first.
fn packages() -> Vec<PathBuf> {
    let versions = fs::read_dir(PACKAGES).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|(_, place)| place).collect()
}

/// For a superuser somebody else: the server refuses to run as one.
fn user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("can't read /etc/passwd")?;
    let user = ["postgres", "nobody"].iter().find_map(|name| numbers(&users, name));
    user.context("expected a user `postgres` or `nobody`, since Postgres does not run as root").map(Some)
}

fn numbers(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1);
    Some(User { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        assert_eq!(numbers(users, "postgres"), Some(User { user: 101, group: 104 }));
        assert_eq!(numbers(users, "nobody"), None);
    }
}

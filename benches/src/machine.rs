//! The settings that a result stands and falls with.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use jobwork::Jobs;
use rusqlite::Connection;

use crate::arguments::Arguments;
use crate::figure::Latency;
use crate::place::{Place, url_of};
use crate::postgres::{Address, Processes};

/// What was measured, how, and on what: names and values.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// The settings of a run whose files are in this directory.
pub(crate) async fn settings(arguments: &Arguments, folder: &Path) -> Result<Settings> {
    let build = if cfg!(debug_assertions) { "debug: no figure of it means anything" } else { "release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut settings = vec![("jobwork", env!("CARGO_PKG_VERSION").to_owned()), ("build", build.to_owned())];
    settings.push(("store", arguments.place.name().to_owned()));
    settings.extend(match &arguments.place {
        Place::Sqlite { .. } => of_sqlite(folder).await?,
        Place::Postgres(address) => of_postgres(address).await?,
        Place::Url(_) => Settings::new(),
    });
    if arguments.place.has_ruler() {
        let sync = sync_time(folder)?;
        settings.push(("file system", file_system(folder)));
        settings.push(("4 KiB to the disk", format!("p50 {:.0} µs, p99 {:.0} µs", sync.p50, sync.p99)));
    }
    settings.extend([
        ("jobs", arguments.jobs.to_string()),
        ("rounds", arguments.rounds.to_string()),
        ("cores", cores.to_string()),
        ("processor", line("/proc/cpuinfo", "model name")),
        ("kernel", text("/proc/sys/kernel/osrelease")),
        ("memory", line("/proc/meminfo", "MemTotal")),
        ("load before", text("/proc/loadavg")),
    ]);
    Ok(settings)
}

/// The load of the machine after the run: one that was busy with other work has measured that.
pub(crate) fn load_after() -> (&'static str, String) {
    ("load after", text("/proc/loadavg"))
}

async fn of_sqlite(folder: &Path) -> Result<Settings> {
    let own = tempfile::tempdir_in(folder)?;
    let file = own.path().join("jobs.db");
    drop(Jobs::connect(&url_of(&file)).await?);
    let journal: String = Connection::open(&file)?.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(vec![
        ("SQLite", rusqlite::version().to_owned()),
        ("journal mode", journal),
        ("synchronous", "full, of the store and of the bare writer".to_owned()),
    ])
}

async fn of_postgres(address: &Address) -> Result<Settings> {
    let client = address.connect().await?;
    let mut settings = Settings::new();
    for name in ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"] {
        let row = client.query_one("SELECT current_setting($1)", &[&name]).await?;
        settings.push((name, row.get(0)));
    }
    let seen = Processes::of(&client).await?;
    let seen = seen.map_or("not counted: it can't be seen from here", |_| "counted");
    settings.push(("processor time of the server", seen.to_owned()));
    Ok(settings)
}

/// How long the disk takes to make a small write durable: no commit is faster.
fn sync_time(folder: &Path) -> Result<Latency> {
    let mut file = fs::File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_nanos() as u64);
    }
    Latency::of(times).context("expected times")
}

/// The type of the file system that a directory is on.
fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    type_of(&text("/proc/self/mounts"), &folder)
}

/// The type of the last of the deepest mounts that hold the directory.
fn type_of(mounts: &str, folder: &Path) -> String {
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = fields.filter(|(place, _)| folder.starts_with(place));
    holding.max_by_key(|(place, _)| place.len()).map_or_else(unknown, |(_, kind)| kind.to_owned())
}

/// The value of the first line of this name.
fn line(file: &str, name: &str) -> String {
    let text = text(file);
    let value = text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()));
    value.unwrap_or_else(unknown)
}

fn text(file: &str) -> String {
    fs::read_to_string(file).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0";
        assert_eq!(type_of(mounts, Path::new("/tmp/run")), "tmpfs");
        assert_eq!(type_of(mounts, Path::new("/tmpfiles")), "ext4");
        assert_eq!(type_of("", Path::new("/")), "unknown");
    }
}

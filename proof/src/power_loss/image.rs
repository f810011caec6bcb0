//! What a disk holds after the power failed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;

use super::operation::Change;

/// The size of what a disk writes whole or not at all. It leaves alone the rest of a sector that is written in part, as SQLite also assumes
/// (`SQLITE_POWERSAFE_OVERWRITE`).
const SECTOR: usize = 512;

/// The files of the folder.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) files: BTreeMap<Arc<str>, Vec<u8>>,
}

impl Image {
    pub(super) fn write_to(&self, folder: &Path) -> anyhow::Result<()> {
        for (name, bytes) in &self.files {
            fs::write(folder.join(name.as_ref()), bytes)?;
        }
        Ok(())
    }
}

/// Makes a change, whole.
pub(super) fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Bytes { at, bytes } => put(file, *at, bytes),
        Change::Length(length) => file.resize(*length, 0),
    }
}

/// Makes a change in some sectors. Those that the file did not have before may hold anything where they have not been written.
pub(super) fn apply_in_part(file: &mut Vec<u8>, change: &Change, random: &mut Rng) {
    let Change::Bytes { at, bytes } = change else { return };
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
        let is_new = at + from >= file.len();
        if random.bool() {
            put(file, at + from, &bytes[from..to]);
        } else if is_new && random.bool() {
            let rubbish: Vec<u8> = (from..to).map(|_| random.u8(..)).collect();
            put(file, at + from, &rubbish);
        }
        from = to;
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}

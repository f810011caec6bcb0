//! A disk: what lasts on it, and what may.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use super::image::{Image, apply, apply_in_part};
use super::operation::{Change, Operation};

/// The files of a folder, as they are and as they last.
///
/// A sync of a file makes its bytes and its length last, and not its name; a sync of the folder the names. Until then each write may be on
/// the disk or not, whatever becomes of those before and after it, and each name may lead to what it led to at any time since.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    files: Vec<File>,
    names: BTreeMap<Arc<str>, usize>,
    lasting: BTreeMap<Arc<str>, usize>,
    renamed: Vec<(usize, Arc<str>, Option<usize>)>,
}

#[derive(Clone, Debug, Default)]
struct File {
    lasting: Vec<u8>,
    changes: Vec<(usize, Change)>,
}

/// What is still there of all that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Everything but a part of the last write.
    Torn,
    /// Anything.
    Anything,
}

impl Disk {
    /// Does the operation of this number.
    pub(super) fn perform(&mut self, number: usize, operation: &Operation) {
        match operation {
            Operation::Create { name } => {
                self.files.push(File::default());
                self.name(number, name, Some(self.files.len() - 1));
            }
            Operation::Remove { name } => self.name(number, name, None),
            Operation::Write { name, change } => {
                let changed = self.names.get(name).map(|file| &mut self.files[*file].changes);
                changed.into_iter().for_each(|changes| changes.push((number, change.clone())));
            }
            Operation::Sync { name, covers } => {
                let synced = self.names.get(name).map(|file| &mut self.files[*file]);
                synced.into_iter().for_each(|file| file.sync(*covers));
            }
            Operation::SyncFolder { covers } => {
                let count = self.renamed.partition_point(|(number, ..)| number < covers);
                self.renamed.drain(..count).for_each(|(_, name, file)| lead(&mut self.lasting, &name, file));
            }
            Operation::Line(_) | Operation::Nothing => {}
        }
    }

    fn name(&mut self, number: usize, name: &Arc<str>, file: Option<usize>) {
        lead(&mut self.names, name, file);
        self.renamed.push((number, Arc::clone(name), file));
    }

    /// What the disk may hold if the power fails now.
    pub(super) fn image(&self, left: Left, random: &mut Rng) -> Image {
        let last = self.files.iter().filter_map(|file| file.changes.last()).map(|(number, _)| *number).max();
        let names = match left {
            Left::Nothing => self.lasting.clone(),
            Left::Everything | Left::Torn => self.names.clone(),
            Left::Anything => self.any_names(random),
        };
        let files = names.into_iter().map(|(name, file)| (name, self.files[file].bytes(left, last, random)));
        Image { files: files.collect() }
    }

    fn any_names(&self, random: &mut Rng) -> BTreeMap<Arc<str>, usize> {
        let mut names = self.lasting.clone();
        // Dropping some of the changes of a name leaves what it led to after the one before.
        for (_, name, file) in &self.renamed {
            if random.bool() {
                lead(&mut names, name, *file);
            }
        }
        names
    }
}

fn lead(names: &mut BTreeMap<Arc<str>, usize>, name: &Arc<str>, file: Option<usize>) {
    match file {
        Some(file) => names.insert(Arc::clone(name), file),
        None => names.remove(name),
    };
}

impl File {
    fn sync(&mut self, covers: usize) {
        let count = self.changes.partition_point(|(number, _)| *number < covers);
        self.changes.drain(..count).for_each(|(_, change)| apply(&mut self.lasting, &change));
    }

    fn bytes(&self, left: Left, last: Option<usize>, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.lasting.clone();
        for (number, change) in &self.changes {
            match left {
                Left::Nothing => {}
                Left::Torn if Some(*number) == last => apply_in_part(&mut bytes, change, random),
                Left::Everything | Left::Torn => apply(&mut bytes, change),
                Left::Anything => match random.u8(..3) {
                    0 => {}
                    1 => apply(&mut bytes, change),
                    _ => apply_in_part(&mut bytes, change, random),
                },
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(disk: &mut Disk, operations: &[Operation]) {
        operations.iter().enumerate().for_each(|(number, operation)| disk.perform(number, operation));
    }

    fn write(at: usize, byte: u8, count: usize) -> Operation {
        Operation::Write { name: "a".into(), change: Change::Bytes { at, bytes: vec![byte; count].into() } }
    }

    fn file(disk: &Disk, left: Left, seed: u64) -> Option<Vec<u8>> {
        disk.image(left, &mut Rng::with_seed(seed)).files.remove("a")
    }

    #[test]
    fn what_is_synced_lasts_and_nothing_else_does() {
        let mut disk = Disk::default();
        let (name, sync) = (Arc::from("a"), |covers| Operation::Sync { name: "a".into(), covers });
        on(
            &mut disk,
            &[Operation::Create { name }, write(0, 1, 4), sync(2), Operation::SyncFolder { covers: 3 }, write(0, 2, 2)],
        );
        assert_eq!(file(&disk, Left::Nothing, 0).unwrap(), [1, 1, 1, 1]);
        assert_eq!(file(&disk, Left::Everything, 0).unwrap(), [2, 2, 1, 1]);
    }

    #[test]
    fn a_sync_holds_for_what_had_ended_when_it_began() {
        let mut disk = Disk::default();
        let operations = [
            Operation::Create { name: "a".into() },
            Operation::SyncFolder { covers: 1 },
            write(0, 1, 4),
            write(0, 2, 4),
            Operation::Sync { name: "a".into(), covers: 3 },
        ];
        on(&mut disk, &operations);
        assert_eq!(file(&disk, Left::Nothing, 0).unwrap(), [1; 4]);
    }

    #[test]
    fn the_name_of_a_file_lasts_when_its_folder_was_synced() {
        let mut disk = Disk::default();
        let sync = Operation::Sync { name: "a".into(), covers: 9 };
        on(&mut disk, &[Operation::Create { name: "a".into() }, write(0, 1, 4), sync]);
        assert_eq!(file(&disk, Left::Nothing, 0), None);
        assert!((0..20).any(|seed| file(&disk, Left::Anything, seed).is_some()));
        assert!((0..20).any(|seed| file(&disk, Left::Anything, seed).is_none()));
    }

    #[test]
    fn a_write_is_torn_between_sectors() {
        let mut disk = Disk::default();
        on(&mut disk, &[Operation::Create { name: "a".into() }, write(0, 1, 2048), write(100, 2, 1024)]);
        for seed in 0..20 {
            let bytes = file(&disk, Left::Torn, seed).unwrap();
            let written = |at: usize| bytes[at] == 2;
            assert!(
                (100..512).all(|at| written(at) == written(100)) && (512..1024).all(|at| written(at) == written(512))
            );
            assert!(!written(0) && !written(1124));
        }
    }
}

//! One open file, shared by all the handles of this process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use super::call::Tasks;
use super::db::{Owned, Session};
use super::locks::Locks;
use super::open;
use super::reader::Reader;
use super::turn::Turns;
use super::watch::Watch;
use super::writer::Writer;
use crate::error::Result;
use crate::store::Waker;

/// The files that are open in this process: two handles of one file share its writer, and so its commits.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Database>>>> = LazyLock::new(Mutex::default);

/// An open file and its threads, which end when this is dropped: first the one that asks the writer, then the others.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) waker: Arc<Waker>,
    pub(super) watch: Watch,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

impl Database {
    /// Opens a file, or finds it open already.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>> {
        let path = open::canonical(path)?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(found);
        }
        let opened = Arc::new(Self::start(path.clone())?);
        open.retain(|_, database| database.strong_count() > 0);
        open.insert(path, Arc::downgrade(&opened));
        Ok(opened)
    }

    fn start(path: PathBuf) -> Result<Self> {
        let connection = open::prepare(&path)?;
        let failed = |error| open::not_started(&path, &error);
        let (waker, locks) = (Arc::new(Waker::default()), Arc::new(Locks::beside(&path)));
        locks.sweep();
        let session = Session::new(locks, Turns::beside(&path), Arc::clone(&waker));
        let writer = Writer::start(Owned::new(connection, session)).map_err(failed)?;
        let reader = Reader::start(&path).map_err(failed)?;
        let tasks = writer.tasks();
        // To the watch, our own writer is another one too; only the writer can tell.
        let ask = move || tasks.iter().for_each(Tasks::notice_others);
        let watch = Watch::start(path.clone(), Arc::clone(&waker), ask).map_err(failed)?;
        Ok(Self { path, waker, watch, reader, writer })
    }
}

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::JobContext;
use crate::client::Jobs;
use crate::job::{LogLevel, LogLine, Note, Progress};

/// What one attempt says about itself, until its worker has written it.
#[derive(Debug, Default)]
pub(crate) struct Notebook {
    /// Made when it says something for the first time, which few do.
    page: OnceLock<Box<Mutex<Page>>>,
    /// The worker's; `None` where there is no worker.
    desk: Option<Arc<Desk>>,
    /// Lines of the program's log that are at least this grave are kept with the job.
    #[cfg_attr(not(feature = "log"), expect(dead_code, reason = "only the layer of the feature asks for it"))]
    pub(crate) keep_log: Option<LogLevel>,
}

/// What is not on its way to the store yet.
#[derive(Debug, Default)]
struct Page {
    progress: Option<Progress>,
    checkpoint: Option<String>,
    log: VecDeque<LogLine>,
    waiting: Vec<oneshot::Sender<Written>>,
    announced: bool,
    /// The latest checkpoint of this attempt, also when it has been written.
    latest: Option<String>,
}

/// Where notebooks are handed in, for the worker to write.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) jobs: Jobs,
    pub(crate) sender: mpsc::UnboundedSender<HandedIn>,
}

/// A job whose notebook has something to write.
#[derive(Debug)]
pub(crate) struct HandedIn {
    pub(crate) job: JobContext,
    /// Somebody waits until it is written.
    pub(crate) urgent: bool,
}

/// What became of a page.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    Stored,
    /// The job belongs to another worker by now.
    Lost,
    Failed(String),
}

impl Notebook {
    /// The notebook of a job that a worker runs.
    pub(crate) fn new(desk: Arc<Desk>, keep_log: Option<LogLevel>) -> Self {
        Self { desk: Some(desk), keep_log, ..Self::default() }
    }

    pub(crate) fn desk(&self) -> Option<&Desk> {
        self.desk.as_deref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.desk.as_ref().map_or_else(Timestamp::now, |desk| desk.jobs.now())
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it ever said anything.
    fn is_used(&self) -> bool {
        self.page.get().is_some()
    }

    /// The latest checkpoint of this attempt.
    pub(crate) fn latest(&self) -> Option<String> {
        if self.is_used() { self.page().latest.clone() } else { None }
    }

    pub(crate) fn progress(&self, job: &JobContext, progress: Progress) {
        self.write(job, |page| page.progress = Some(progress));
    }

    pub(crate) fn line(&self, job: &JobContext, line: LogLine) {
        self.write(job, |page| {
            page.log.push_back(line);
            LogLine::drop_oldest(&mut page.log);
        });
    }

    /// The answer comes when the checkpoint is written.
    pub(crate) fn checkpoint(&self, job: &JobContext, json: String) -> oneshot::Receiver<Written> {
        let (sender, answer) = oneshot::channel();
        let mut page = self.page();
        page.latest = Some(json.clone());
        page.checkpoint = Some(json);
        page.waiting.push(sender);
        drop(page);
        self.hand_in(job, true);
        answer
    }

    /// Has everything written that was said before; the answer comes when that is done. Nothing where nothing was said.
    pub(crate) fn flush(&self, job: &JobContext) -> Option<oneshot::Receiver<Written>> {
        if !self.is_used() {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        self.page().waiting.push(sender);
        self.hand_in(job, true);
        Some(answer)
    }

    fn write(&self, job: &JobContext, change: impl FnOnce(&mut Page)) {
        let mut page = self.page();
        change(&mut page);
        let announced = std::mem::replace(&mut page.announced, true);
        drop(page);
        if !announced {
            self.hand_in(job, false);
        }
    }

    fn hand_in(&self, job: &JobContext, urgent: bool) {
        let handed_in = HandedIn { job: job.clone(), urgent };
        let heard = self.desk.as_ref().is_some_and(|desk| desk.sender.send(handed_in).is_ok());
        if !heard {
            self.abandon();
        }
    }

    /// Nobody writes any more, or ever did: whoever waits learns it.
    pub(crate) fn abandon(&self) {
        self.page().waiting.clear();
    }

    /// Takes out what is to be written, and those who wait for that.
    pub(crate) fn take(&self, mut note: Note) -> (Note, Vec<oneshot::Sender<Written>>) {
        let mut page = self.page();
        page.announced = false;
        note.progress = page.progress.take();
        note.checkpoint = page.checkpoint.take();
        note.log = std::mem::take(&mut page.log).into();
        (note, std::mem::take(&mut page.waiting))
    }
}

use std::collections::{BTreeMap, HashMap};

use jobwork::{JobId, WorkerId};

use super::call::Open;
use super::job::Job;
use super::run::RunView;
use crate::history::{Event, Line, Run};

/// A history, by jobs.
///
/// What took effect between two lines may have done so at any place between them, and what has the first line only may have done so at any
/// later place, or not at all: whoever wrote it was killed, or its store failed. A claim has the second line only. A process can be stopped
/// for as long as one likes between a thing and the line that says so, and so lines of different processes don't always stand in the order in
/// which things happened: the number of a claim tells that order among the claims of a job.
#[derive(Debug)]
pub struct View<'a> {
    /// All of its lines.
    pub lines: &'a [Line],
    /// The jobs that it speaks of.
    pub jobs: BTreeMap<JobId, Job<'a>>,
    /// The members of each chain by their places.
    pub chains: BTreeMap<JobId, BTreeMap<u32, JobId>>,
    /// Where rescues begin that were never answered.
    pub unanswered_rescues: Vec<usize>,
    /// Where each worker began to leave.
    pub leaves: HashMap<WorkerId, usize>,
}

/// What is kept while the lines are read.
#[derive(Default)]
struct Reading<'a> {
    jobs: BTreeMap<JobId, Job<'a>>,
    runs: HashMap<Run, RunView<'a>>,
    leaves: HashMap<WorkerId, usize>,
    rescues: Open<u32>,
    cancels: Open<(u32, JobId)>,
}

impl<'a> View<'a> {
    /// Sorts the lines of a history.
    #[must_use]
    pub fn new(lines: &'a [Line]) -> Self {
        let mut reading = Reading::default();
        lines.iter().enumerate().for_each(|(place, line)| reading.read(place, line));
        let Reading { mut jobs, runs, leaves, rescues, .. } = reading;
        for run in runs.into_values() {
            jobs.entry(run.run.job).or_default().runs.push(run);
        }
        let mut chains: BTreeMap<JobId, BTreeMap<u32, JobId>> = BTreeMap::new();
        for (id, job) in &mut jobs {
            job.runs.sort_by_key(|run| (run.run.claim, run.claimed()));
            if let Some((chain, place)) = job.member() {
                chains.entry(chain).or_default().insert(place, *id);
            }
        }
        let unanswered_rescues = rescues.unanswered().map(|call| call.began).collect();
        Self { lines, jobs, chains, unanswered_rescues, leaves }
    }

    /// Whether a rescue that is not known to have been answered had begun before this place, and can have taken a run of the job: the store
    /// does not count more rescues than are known.
    #[must_use]
    pub fn perhaps_rescued(&self, job: &Job<'_>, before: usize) -> bool {
        job.hidden_rescues() > 0 && self.unanswered_rescues.iter().any(|began| *began < before)
    }

    /// Where the right of a run ended, or began to end, by its worker's own hand: by an outcome, or because it left.
    #[must_use]
    pub fn given_up(&self, run: &RunView<'_>) -> Option<usize> {
        let written = run.perhaps_stored().map(|write| write.began);
        written.into_iter().chain(self.leaves.get(&run.run.worker).copied()).min()
    }

    /// The member of the chain before this one.
    #[must_use]
    pub fn before(&self, job: &Job<'_>) -> Option<(JobId, &Job<'a>)> {
        let (chain, place) = job.member()?;
        let id = self.chains.get(&chain)?.get(&place.checked_sub(1)?)?;
        Some((*id, self.jobs.get(id)?))
    }
}

impl<'a> Reading<'a> {
    fn read(&mut self, place: usize, line: &'a Line) {
        match &line.event {
            Event::Dispatched { jobs } => {
                for promise in jobs {
                    self.job(promise.job).promises.push((place, promise));
                }
            }
            Event::Leaving { worker } => {
                self.leaves.entry(*worker).or_insert(place);
            }
            Event::Rescuing => self.rescues.begin(line.by, place),
            Event::Rescued { jobs } => {
                let call = self.rescues.answer(line.by, place);
                jobs.iter().for_each(|job| self.job(*job).rescues.push(call));
            }
            Event::Cancelling { job } => self.cancels.begin((line.by, *job), place),
            Event::Cancelled { job, answer } => {
                let call = self.cancels.answer((line.by, *job), place);
                self.job(*job).cancels.push((call, answer));
            }
            Event::Remains(remains) => self.job(remains.job).remains = Some((place, remains)),
            Event::Joined { .. } | Event::Fault { .. } => {}
            event => self.read_run(place, line.by, event),
        }
    }

    fn read_run(&mut self, place: usize, by: u32, event: &'a Event) {
        match event {
            Event::Claimed { run, args } => self.run(run).claims.push((place, args)),
            Event::Started { run } => {
                self.run(run).started.get_or_insert((place, by));
            }
            Event::Signalled { run, .. } => {
                self.run(run).signalled.get_or_insert(place);
            }
            Event::Returned { run, .. } => {
                self.run(run).returned.get_or_insert(place);
            }
            Event::Writing { run, outcome } => self.run(run).writes(outcome, place),
            Event::Written { run, outcome, stored } => self.run(run).wrote(outcome, place, *stored),
            _ => {}
        }
    }

    fn job(&mut self, id: JobId) -> &mut Job<'a> {
        self.jobs.entry(id).or_default()
    }

    fn run(&mut self, run: &Run) -> &mut RunView<'a> {
        self.runs.entry(*run).or_insert_with(|| RunView::new(*run))
    }
}

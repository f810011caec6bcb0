use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fastrand::Rng;
use jobwork::store::{Filter, connect};
use jobwork::{Batch, ChainDispatch, Dispatch, DispatchMany, Job, JobHandle, JobId, Jobs, Record, Result, chain};

use super::jobs::*;
use super::releases::{Charge, ChargeOfOld, Refund};
use super::{Release, parent};
use crate::history::{Event, History, Promise};

/// So many of its latest jobs may be cancelled.
const RECENT: usize = 50;

/// The tag of jobs that are called back when a member of their batch is dead.
pub const ON_DEATH: &str = "on death";

/// A process that dispatches jobs of every kind, and cancels a few, until the end of its input.
#[derive(Clone, Debug, Args)]
pub struct Dispatcher {
    /// The URL of the store
    #[arg(long)]
    store: String,
    /// The file of the history
    #[arg(long)]
    history: PathBuf,
    /// What its choices are made of
    #[arg(long)]
    seed: u64,
    /// Which program of the application this is
    #[arg(long, value_enum, default_value_t)]
    release: Release,
}

impl Dispatcher {
    /// Dispatches.
    ///
    /// # Errors
    /// When the store or the history can't be opened.
    pub fn run(&self) -> anyhow::Result<()> {
        parent::end_with_it();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let jobs = Jobs::new(connect(&self.store).await?);
            let history = History::of_file(&self.history)?;
            let rng = Rng::with_seed(self.seed);
            let mut desk = Desk { jobs, history, rng, release: self.release, recent: Vec::new() };
            loop {
                // Whether a call that fails took effect is open, so nothing is promised then; others may have better luck.
                if let Err(error) = desk.act().await {
                    tracing::info!(%error, "a dispatch failed");
                }
                tokio::time::sleep(Duration::from_millis(desk.rng.u64(20..150))).await;
            }
        })
    }
}

/// Where jobs are made.
struct Desk {
    jobs: Jobs,
    history: History,
    rng: Rng,
    release: Release,
    recent: Vec<JobId>,
}

impl Desk {
    /// Does one thing at random.
    async fn act(&mut self) -> Result<()> {
        let number = self.rng.u64(..1_000_000);
        let (time, many) = (self.rng.u64(100..2500), self.rng.u64(2..40));
        match self.rng.u32(..100) {
            0..10 => self.one(Plain::dispatch(number)).await,
            10..14 => self.many(Plain::dispatch_many((0..many).map(|more| Plain::new(number + more)))).await,
            14..20 => self.one(Plain::dispatch(number).delay(Duration::from_millis(time))).await,
            20..23 => self.one(Plain::dispatch(number).expires(Duration::from_millis(time / 20))).await,
            23..35 => self.chain(number).await,
            35..40 => self.batch(number).await,
            40..45 => self.one(Flaky::dispatch(number as u32 % 5)).await,
            45..48 => self.one(Panicky::dispatch(number)).await,
            48..52 => self.one(Slow::dispatch(number)).await,
            52..57 => self.one(Polite::dispatch(time)).await,
            57..60 => self.one(Deaf::dispatch(time)).await,
            60..64 => self.one(Grind::dispatch(time / 2)).await,
            64..70 => self.one(Sole::dispatch(number % 10)).await,
            70..74 => self.one(Crowded::dispatch(number % 3, time / 10)).await,
            74..79 => self.one(InOrder::dispatch(number % 5, number)).await,
            79..84 => self.one(Fickle::dispatch(number)).await,
            84..89 => self.money(number).await,
            _ => self.cancel().await,
        }
    }

    /// A chain of several steps, of which the last one knows by its argument what the others did.
    async fn chain(&mut self, number: u64) -> Result<()> {
        match number % 4 {
            0 => self.members(&[Plain::NAME, Double::NAME], chain![Plain, Double].dispatch(number)).await,
            1 => {
                let names = [Double::NAME, Add::NAME, Square::NAME];
                self.members(&names, chain![Double, Add(_, 7u64), Square].dispatch(number)).await
            }
            2 => {
                let names = [Plain::NAME, Add::NAME, Double::NAME, Add::NAME, Plain::NAME];
                let steps = chain![Plain, Add(_, 1u64), Double, Add(_, 30u64), Plain];
                self.members(&names, steps.dispatch(number).delay(Duration::from_millis(number % 1000))).await
            }
            // Its first step often dies, and the others with it.
            _ => self.members(&[Panicky::NAME, Double::NAME], chain![Panicky, Double].dispatch(number)).await,
        }
    }

    /// A batch of jobs and a chain, with jobs that are called back. Its jobs are promised as soon as their ids are known.
    async fn batch(&mut self, number: u64) -> Result<()> {
        let batch = Batch::new("chaos").add_many((0..4).map(|more| Plain::new(number + more)));
        let batch = batch.add(Flaky::dispatch(number as u32 % 5)).add(chain![Double, Add(_, 3u64)].dispatch(number));
        let batch = batch.on_complete(Plain::dispatch(1)).on_success(Plain::dispatch(2));
        let batch = batch.on_death(Plain::dispatch(3).tag(ON_DEATH));
        let id = batch.on(&self.jobs).dispatch().await?.id();
        let members = self.jobs.list(&Filter { batch: Some(id), ..Filter::default() }).await?;
        self.promise(members.into_iter().map(promise_of_member).collect());
        Ok(())
    }

    /// Jobs that the two releases know in different forms, or of which one knows nothing.
    async fn money(&mut self, sum: u64) -> Result<()> {
        match (self.release, sum % 2) {
            (Release::Old, _) => self.one(Dispatch::new(ChargeOfOld { euros: sum })).await,
            (Release::New, 0) => self.one(Dispatch::new(Charge { cents: sum })).await,
            (Release::New, _) => self.one(Dispatch::new(Refund { cents: sum })).await,
        }
    }

    async fn cancel(&mut self) -> Result<()> {
        if self.recent.is_empty() {
            return Ok(());
        }
        let job = self.recent[self.rng.usize(..self.recent.len())];
        self.history.add(Event::Cancelling { job });
        let answer = self.jobs.cancel(job).await?;
        let answer = format!("{answer:?}").to_lowercase();
        self.history.add(Event::Cancelled { job, answer });
        Ok(())
    }

    async fn one<J: Job>(&mut self, dispatch: Dispatch<J>) -> Result<()> {
        let handle = dispatch.on(&self.jobs).await?;
        self.promise(vec![promise_of(&handle)]);
        Ok(())
    }

    async fn many<J: Job>(&mut self, dispatch: DispatchMany<J>) -> Result<()> {
        let handles = dispatch.on(&self.jobs).await?;
        self.promise(handles.iter().map(promise_of).collect());
        Ok(())
    }

    async fn members<Out: 'static>(&mut self, names: &[&str], dispatch: ChainDispatch<Out>) -> Result<()> {
        let handle = dispatch.on(&self.jobs).await?;
        let chain = Some(handle.id());
        let members = handle.ids().iter().zip(names).zip(0..);
        let promises = members.map(|((job, name), place)| Promise {
            job: *job,
            name: (*name).to_owned(),
            chain,
            place,
            existing: false,
        });
        self.promise(promises.collect());
        Ok(())
    }

    fn promise(&mut self, jobs: Vec<Promise>) {
        self.recent.extend(jobs.iter().map(|promise| promise.job));
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        self.history.add(Event::Dispatched { jobs });
    }
}

fn promise_of<J: Job>(handle: &JobHandle<J>) -> Promise {
    Promise { job: handle.id(), name: J::NAME.to_owned(), chain: None, place: 0, existing: !handle.is_new() }
}

fn promise_of_member(record: Record) -> Promise {
    let (chain, place) = record.chain.map_or((None, 0), |member| (Some(member.chain), member.position));
    Promise { job: record.id, name: record.name, chain, place, existing: false }
}

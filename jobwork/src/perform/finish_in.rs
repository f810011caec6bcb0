use std::sync::atomic::Ordering;

use serde::Serialize;

use super::JobContext;
use crate::client::Jobs;
use crate::client::transaction::{Transaction, Work};
use crate::error::{Error, Result};
use crate::job::{Finished, Outcome};

impl JobContext {
    /// Completes the job in a transaction of your own, so that what else the transaction changes happens exactly once: once it is
    /// committed the job has completed with this output, whatever the job or its worker do or suffer afterwards, and whoever waits
    /// for it goes on. If it is rolled back, or its connection is lost, then what the job returns decides as if nothing had been said.
    ///
    /// Call it last, commit, and return the same output. The output is of the type that the job returns; an encrypted job's is
    /// encrypted. What the transaction locks is kept from others until it ends, most of all where the job has a batch, a chain, a key
    /// or limits: let it be short, and dispatch in it before you finish. The [page about transactions](crate::transaction) names the
    /// drivers.
    ///
    /// What it gives is awaited where the driver is async, and is the result itself where the driver blocks. A context without a
    /// worker, as in a unit test, does nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another worker owns the job by now, or it has completed: roll back, for nothing that this run does
    /// counts any more. [`Error::Json`] when the output can't be written as JSON, [`Error::Encryption`] when it can't be encrypted,
    /// [`Error::OutputTooLarge`] when it is over the limit of the worker's client,
    /// [`Error::Unsupported`] when the worker's store is in another kind of database than the transaction, and [`Error::Store`] when
    /// the store fails: roll back then.
    pub fn finish_in<T: Transaction, O: Serialize + ?Sized>(&self, transaction: T, output: &O) -> T::Answer<()> {
        transaction.carry_out(match self.job().notebook.desk() {
            Some(desk) => Work::finish(desk.jobs.clone(), self.id(), self.completed(&desk.jobs, output)),
            None => Work::nothing(()),
        })
    }

    /// Its success with this output.
    fn completed<O: Serialize + ?Sized>(&self, jobs: &Jobs, output: &O) -> Result<Finished> {
        let what = "can't write the output";
        let json = serde_json::to_string(output);
        let json = json.map_err(|source| Error::Json { what, job: self.name().to_owned(), source })?;
        let secret = self.job().encrypted.load(Ordering::Relaxed);
        let output = if secret { jobs.seal_output(self.name(), &json)? } else { json };
        jobs.check_output(self.name(), &output)?;
        let at = self.job().notebook.now();
        Ok(Finished { lease: self.job().claimed.lease, outcome: Outcome::Completed { output }, at })
    }
}

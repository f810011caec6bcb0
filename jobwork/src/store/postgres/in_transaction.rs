//! Changes in transactions of others, by the functions that any language can call.

use serde_json::json;

use super::Postgres;
use super::finish::said;
use super::new_job::{self, Answer};
use super::rows::{millis, row_of};
use crate::error::{Error, Result};
use crate::job::{Finished, Outcome};
use crate::store::{Change, Changed, Push, Settled, Statement, Statements};

impl Statements for Postgres {
    fn statement(&self, change: &Change) -> Result<Statement> {
        let (function, input) = match change {
            Change::Push(push) => ("push_in", pushed(push)?),
            Change::Finish(finished) => ("finish_in", completed(finished)?),
        };
        let sql = format!("SELECT @.{function}($1::text::jsonb)::text AS answer");
        Ok(Statement::new(self.server().sql(&sql), input))
    }

    fn changed(&self, change: &Change, answer: &str) -> Result<Changed> {
        Ok(match change {
            Change::Push(push) => {
                let answer: Answer = serde_json::from_str(answer).map_err(Error::store)?;
                Changed::Stored(answer.stored(push)?)
            }
            Change::Finish(_) if answer == "true" => Changed::Settled(Settled::Stored),
            Change::Finish(_) => Changed::Settled(Settled::Lost),
        })
    }
}

fn pushed(push: &Push) -> Result<String> {
    new_job::check(push)?;
    Ok(new_job::push(push).to_string())
}

fn completed(finished: &Finished) -> Result<String> {
    let Finished { lease, outcome: outcome @ Outcome::Completed { .. }, at } = finished else {
        return Err(Error::store("only a success can be written in a transaction"));
    };
    let (seq, created_at) = row_of(lease.job);
    let output = said(outcome);
    let finished = json!({
        "worker": lease.worker.as_uuid(), "claim": lease.claim, "seq": seq, "created_at": created_at,
        "attempt": lease.attempt, "at": millis(*at), "output": output,
    });
    Ok(finished.to_string())
}

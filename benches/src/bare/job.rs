use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::problems;
use crate::tally::TALLY;

/// The arguments of a job, as those of the measured jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) number: u64,
    pub(super) text: String,
    /// When it was sent, where that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<u64>,
}

impl Payload {
    /// The arguments of the job of this number, in JSON.
    pub(super) fn json(&self, number: u64) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&Self { number, ..self.clone() })?)
    }
}

/// A job that is handed to the worker.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: i64,
    pub(super) args: Vec<u8>,
}

/// Performs the job of these arguments.
pub(super) fn perform(args: &[u8]) {
    match serde_json::from_slice(args) {
        Ok(Payload { number, at: Some(at), .. }) => TALLY.ran_since(number, at),
        Ok(Payload { number, text, at: None }) => {
            std::hint::black_box(text);
            TALLY.ran(number);
        }
        Err(error) => problems::note(error),
    }
}

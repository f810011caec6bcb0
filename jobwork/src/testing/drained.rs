use std::fmt;

use crate::job::{JobState, Record};

/// The attempts that a test app has run, in their order: of each, the job as it was after it.
#[derive(Clone, Debug, Default)]
pub struct Drained(pub(super) Vec<Record>);

impl Drained {
    /// The jobs, one for each attempt.
    #[must_use]
    pub fn jobs(&self) -> &[Record] {
        &self.0
    }

    /// How many attempts ended with the job in this state: [`Completed`](JobState::Completed), or
    /// [`Scheduled`](JobState::Scheduled) where it is to be tried again.
    #[must_use]
    pub fn count(&self, state: JobState) -> usize {
        self.0.iter().filter(|job| job.state == state).count()
    }

    /// How many attempts there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was ready.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `send_email completed, charge scheduled`, to compare a whole test with.
impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|job| format!("{} {}", job.name, job.state)).collect();
        f.write_str(&words.join(", "))
    }
}

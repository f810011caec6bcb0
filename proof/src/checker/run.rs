use crate::history::Run;

/// What a history says of one run, by the places of its lines.
#[derive(Debug)]
pub struct RunView<'a> {
    /// Which one.
    pub run: Run,
    /// Where it was handed out, and the arguments that came with it. More than once only if a store gives one lease to two.
    pub claims: Vec<(usize, &'a str)>,
    /// Where its code began, and who performed it.
    pub started: Option<(usize, u32)>,
    /// Where it was told to stop.
    pub signalled: Option<usize>,
    /// Where its code ended.
    pub returned: Option<usize>,
    /// Each time that its outcome was written. More than once where the store failed, or its answer was lost.
    pub writes: Vec<Write<'a>>,
}

/// A time that an outcome was written.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The outcome in a word.
    pub outcome: &'a str,
    /// The line before it.
    pub began: usize,
    /// The line of the answer, and whether the store took it. Without one, it may have.
    pub answered: Option<(usize, bool)>,
}

impl<'a> RunView<'a> {
    pub(super) fn new(run: Run) -> Self {
        Self { run, claims: Vec::new(), started: None, signalled: None, returned: None, writes: Vec::new() }
    }

    /// Where it was handed out.
    #[must_use]
    pub fn claimed(&self) -> Option<usize> {
        self.claims.first().map(|(place, _)| *place)
    }

    /// An outcome is about to be written.
    pub(super) fn writes(&mut self, outcome: &'a str, began: usize) {
        self.writes.push(Write { outcome, began, answered: None });
    }

    /// The latest write is answered: a worker writes an outcome again only when it has given up on the answer of the write before.
    pub(super) fn wrote(&mut self, outcome: &'a str, place: usize, stored: bool) {
        match self.writes.last_mut().filter(|write| write.answered.is_none()) {
            Some(write) => write.answered = Some((place, stored)),
            None => self.writes.push(Write { outcome, began: 0, answered: Some((place, stored)) }),
        }
    }

    /// The write that the store said it took.
    #[must_use]
    pub fn stored(&self) -> Option<&Write<'a>> {
        self.writes.iter().find(|write| write.answered.is_some_and(|(_, stored)| stored))
    }

    /// The first write that took effect, or may have: one that the store refused did not.
    #[must_use]
    pub fn perhaps_stored(&self) -> Option<&Write<'a>> {
        self.writes.iter().find(|write| write.answered.is_none_or(|(_, stored)| stored))
    }

    /// Where its outcome was written first. An answer to a later write may tell what the first one did.
    #[must_use]
    pub fn first_write(&self) -> Option<usize> {
        self.writes.first().map(|write| write.began)
    }

    /// The final outcome that the store said it took.
    #[must_use]
    pub fn ended(&self) -> Option<&Write<'a>> {
        self.stored().filter(|write| is_final(write.outcome))
    }

    /// Its lines, in the order of a run.
    #[must_use]
    pub fn lines(&self) -> Vec<usize> {
        let own = [self.started.map(|(place, _)| place), self.signalled, self.returned];
        let writes = self.writes.iter().flat_map(|write| [Some(write.began), write.answered.map(|(place, _)| place)]);
        self.claims.iter().map(|(place, _)| *place).chain(own.into_iter().chain(writes).flatten()).collect()
    }
}

/// Whether a job does not go on after this outcome.
fn is_final(outcome: &str) -> bool {
    matches!(outcome, "completed" | "cancelled" | "discarded" | "dead")
}

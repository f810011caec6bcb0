use std::collections::HashMap;
use std::hash::Hash;

/// A call of the store, by the places of its two lines: it took effect somewhere between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The line before it.
    pub began: usize,
    /// The line of the answer. Without one, nobody knows whether it took effect, nor when.
    pub answered: Option<usize>,
}

/// Calls whose answers have not been read yet, by who made them.
///
/// Where one caller has several open, any of them may be the one that is answered now, and the others may have failed. The answered one is
/// taken to have begun with the first of them, and so are those that stay open: as early as it can have been.
#[derive(Debug)]
pub(super) struct Open<K>(HashMap<K, Vec<usize>>);

impl<K> Default for Open<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Open<K> {
    pub(super) fn begin(&mut self, caller: K, place: usize) {
        self.0.entry(caller).or_default().push(place);
    }

    /// The call that is answered here. One whose first line is missing can have begun at any time.
    pub(super) fn answer(&mut self, caller: K, place: usize) -> Call {
        let open = self.0.entry(caller).or_default();
        let began = open.first().copied().unwrap_or_default();
        open.pop();
        Call { began, answered: Some(place) }
    }

    /// Those that never were.
    pub(super) fn unanswered(self) -> impl Iterator<Item = Call> {
        self.0.into_values().flatten().map(|began| Call { began, answered: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_its_callers_open_call() {
        let mut open = Open::default();
        open.begin("ann", 1);
        open.begin("ben", 2);
        assert_eq!(open.answer("ann", 3), Call { began: 1, answered: Some(3) });
        assert_eq!(open.unanswered().collect::<Vec<_>>(), [Call { began: 2, answered: None }]);
    }

    #[test]
    fn an_answer_that_may_belong_to_several_calls_closes_one_of_them() {
        let mut open = Open::default();
        open.begin("ann", 1);
        open.begin("ann", 2);
        assert_eq!(open.answer("ann", 3), Call { began: 1, answered: Some(3) });
        assert_eq!(open.unanswered().collect::<Vec<_>>(), [Call { began: 1, answered: None }]);
    }
}

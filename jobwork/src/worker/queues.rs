use std::sync::Arc;

use super::chance::Chance;

/// The queues a worker serves, and in which order it looks at them each time that it asks for jobs.
///
/// Anything that gives names is a strict order: `app.queues(["high", "low"])`.
///
/// ```
/// use jobwork::{App, Queues};
///
/// let strict = App::new().queues(["high", "low"]);
/// let weighted = App::new().queues(Queues::weighted([("high", 3), ("low", 1)]));
/// let random = App::new().queues(Queues::random(["mail", "media"]));
/// # let _ = (strict, weighted, random);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues {
    names: Arc<[String]>,
    order: Order,
    seed: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Strict,
    /// The chance of each to be looked at first.
    Weighted(Arc<[u32]>),
}

impl Queues {
    /// These queues, the most important first: one is emptied before the next is looked at. As long as there are jobs in a
    /// queue, those after it wait. One that is named twice has its first place.
    pub fn strict<Q: Into<String>>(queues: impl IntoIterator<Item = Q>) -> Self {
        let (names, _) = once(queues.into_iter().map(|name| (name.into(), 1)));
        Self { names: names.into(), order: Order::Strict, seed: None }
    }

    /// These queues, each time in another order that is drawn by their weights: of two queues with weights 3 and 1, the first
    /// one is looked at first in three of four times. So none starves. A weight of 0 counts as 1, and of a queue that is named
    /// twice the first weight counts.
    pub fn weighted<Q: Into<String>>(queues: impl IntoIterator<Item = (Q, u32)>) -> Self {
        let (names, weights) = once(queues.into_iter().map(|(name, weight)| (name.into(), weight.max(1))));
        Self { names: names.into(), order: Order::Weighted(weights.into()), seed: None }
    }

    /// These queues, each time in another order, all with the same chance.
    pub fn random<Q: Into<String>>(queues: impl IntoIterator<Item = Q>) -> Self {
        Self::weighted(queues.into_iter().map(|name| (name, 1)))
    }

    /// Draws the same orders in every run: for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The names of the queues.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What draws the orders for fetcher number `index` of a worker.
    pub(crate) fn draws(&self, index: usize) -> Draws {
        let seed = self.seed.map(|seed| seed.wrapping_add(index as u64));
        Draws { queues: self.clone(), chance: Chance::new(seed) }
    }
}

/// Each queue once: stores look at those of a claim one after the other.
fn once(queues: impl Iterator<Item = (String, u32)>) -> (Vec<String>, Vec<u32>) {
    let (mut names, mut weights) = (Vec::new(), Vec::new());
    for (name, weight) in queues {
        if !names.contains(&name) {
            names.push(name);
            weights.push(weight);
        }
    }
    (names, weights)
}

/// Each that gives names, in strict order.
impl<Names> From<Names> for Queues
where
    Names: IntoIterator<Item: Into<String>>,
{
    fn from(names: Names) -> Self {
        Self::strict(names)
    }
}

/// Draws the order in which to look at the queues, claim by claim.
#[derive(Debug)]
pub(crate) struct Draws {
    queues: Queues,
    chance: Chance,
}

impl Draws {
    pub(crate) fn next(&mut self) -> Arc<[String]> {
        let queues = self.queues.clone();
        let Order::Weighted(weights) = &queues.order else { return queues.names };
        // One without replacement: the smallest of exponentially distributed times, each queue's weight being its rate,
        // is a queue's with the chance of its share of the weights, and so on among those that are left.
        let mut drawn: Vec<_> =
            queues.names.iter().zip(weights.iter()).map(|(name, w)| (self.time(*w), name)).collect();
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
        drawn.into_iter().map(|(_, name)| name.clone()).collect()
    }

    fn time(&mut self, weight: u32) -> f64 {
        -self.chance.fraction().ln() / f64::from(weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_is_named_twice_has_its_first_place_and_weight() {
        assert_eq!(Queues::strict(["high", "low", "high"]), Queues::strict(["high", "low"]));
        assert_eq!(
            Queues::weighted([("high", 3), ("low", 0), ("high", 9)]),
            Queues::weighted([("high", 3), ("low", 1)])
        );
    }

    const DRAWS: usize = 100_000;

    /// In which share of many draws the queues came in this order.
    fn share(queues: &Queues, wanted: &[&str]) -> f64 {
        let mut draws = queues.clone().seed(7).draws(0);
        (0..DRAWS).filter(|_| draws.next()[..wanted.len()] == *wanted).count() as f64 / DRAWS as f64
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 0.01, "{found}, expected about {expected}");
    }

    #[test]
    fn a_strict_order_is_the_same_each_time() {
        let queues = Queues::from(["a", "b", "c"]);
        assert_near(share(&queues, &["a", "b", "c"]), 1.0);
        assert_eq!(queues, Queues::strict(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn weights_are_the_shares_in_which_queues_come_first() {
        let queues = Queues::weighted([("a", 5), ("b", 3), ("c", 2)]);
        for (name, expected) in [("a", 0.5), ("b", 0.3), ("c", 0.2)] {
            assert_near(share(&queues, &[name]), expected);
        }
        // Of what is left after the first, by the weights that are left.
        assert_near(share(&queues, &["a", "b", "c"]), 0.5 * 0.6);
        assert_near(share(&queues, &["c", "b", "a"]), 0.2 * 3.0 / 8.0);
    }

    #[test]
    fn a_random_order_prefers_none() {
        let queues = Queues::random(["a", "b", "c"]);
        for order in
            [["a", "b", "c"], ["a", "c", "b"], ["b", "a", "c"], ["b", "c", "a"], ["c", "a", "b"], ["c", "b", "a"]]
        {
            assert_near(share(&queues, &order), 1.0 / 6.0);
        }
    }

    #[test]
    fn a_weight_of_none_starves_nobody() {
        assert_near(share(&Queues::weighted([("a", 0), ("b", 1)]), &["a"]), 0.5);
        assert_near(share(&Queues::weighted([("a", u32::MAX), ("b", u32::MAX)]), &["a"]), 0.5);
    }

    #[test]
    fn each_worker_draws_for_itself_unless_it_is_seeded() {
        let queues = Queues::random((0..20).map(|n| n.to_string()));
        let first = |queues: Queues, fetcher| queues.draws(fetcher).next();
        assert_ne!(first(queues.clone(), 0), first(queues.clone(), 0));
        assert_eq!(first(queues.clone().seed(3), 0), first(queues.clone().seed(3), 0));
        assert_ne!(first(queues.clone().seed(3), 0), first(queues.seed(3), 1));
    }
}

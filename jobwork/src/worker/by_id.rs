use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::job::JobId;

/// What is known of each of some jobs.
pub(crate) type ById<T> = HashMap<JobId, T, BuildHasherDefault<IdHasher>>;

/// Some jobs.
pub(crate) type JobIds = HashSet<JobId, BuildHasherDefault<IdHasher>>;

/// Hashes ids. Stores give them, and nobody can choose many that collide: so it need only be fast.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdHasher(u64);

impl IdHasher {
    fn mix(&mut self, part: u64) {
        // An odd number whose bits look random, so that rows that follow one another are far apart.
        self.0 = (self.0 ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.mix(u64::from_be_bytes(*word)));
        rest.iter().for_each(|byte| self.mix(u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        // Maps use the lowest bits and the highest ones; those that all parts have changed most are the highest.
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault};

    use jiff::Timestamp;

    use super::*;

    /// The fewest and the most of so many ids that share the same ten low bits, or seven high ones, of their hashes.
    fn spread(ids: impl Iterator<Item = JobId>) -> [(usize, usize); 2] {
        let (mut low, mut high) = (vec![0; 1 << 10], vec![0; 1 << 7]);
        for id in ids {
            let hash = BuildHasherDefault::<IdHasher>::default().hash_one(id);
            low[hash as usize % (1 << 10)] += 1;
            high[(hash >> 57) as usize] += 1;
        }
        [low, high].map(|counts| (*counts.iter().min().unwrap(), *counts.iter().max().unwrap()))
    }

    #[test]
    fn ids_of_rows_that_follow_one_another_spread_evenly() {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let [low, high] = spread((0..1 << 14).map(|row| JobId::derive(row, at)));
        assert!(low.0 >= 4 && low.1 <= 64, "{low:?} of 16 each");
        assert!(high.0 >= 64 && high.1 <= 256, "{high:?} of 128 each");
    }

    #[test]
    fn random_ids_spread_evenly() {
        let [low, high] = spread((0..1 << 14).map(|_| JobId::from(uuid::Uuid::new_v4())));
        assert!(low.1 <= 64, "{low:?} of 16 each");
        assert!(high.0 >= 64 && high.1 <= 256, "{high:?} of 128 each");
    }
}

use uuid::{Builder, Uuid};

use crate::job::WorkerId;

/// Draws by chance, or the same in every run where it is seeded.
///
/// It is SplitMix64, a generator for which any state is a good one.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Draws what this seed gives; other numbers each time where there is none.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from above 0 to 1, so that its logarithm is a number.
    pub(crate) fn fraction(&mut self) -> f64 {
        ((self.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// An id that has the form of a fresh one.
    pub(crate) fn worker_id(&mut self) -> WorkerId {
        let bytes = Uuid::from_u64_pair(self.number(), self.number()).into_bytes();
        Builder::from_random_bytes(bytes).into_uuid().into()
    }
}

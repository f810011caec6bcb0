//! Whether a store's tables agree with one another.

/// What no row may be, in words, and a query that finds such rows.
pub type Unsound = (&'static str, &'static str);

/// Tables that say how far they agree.
pub trait Tables {
    /// What no row of theirs may be.
    const UNSOUND: &[Unsound];

    /// How many rows each of these queries finds.
    fn count(&self, queries: &[&str]) -> Vec<i64>;
}

/// The tables of a store. When they are let go, they must be sound.
#[derive(Debug)]
pub struct Sound<T: Tables>(pub T);

impl<T: Tables> Sound<T> {
    /// Says all that is wrong, in words.
    ///
    /// # Panics
    /// When there is a row that may not be.
    pub fn check(&self) {
        let queries: Vec<&str> = T::UNSOUND.iter().map(|(_, rows)| *rows).collect();
        let found = T::UNSOUND.iter().zip(self.0.count(&queries)).filter(|(_, count)| *count != 0);
        let found: Vec<String> = found.map(|((what, _), count)| format!("{count} times {what}")).collect();
        assert!(found.is_empty(), "the tables don't agree: {}", found.join("; "));
    }
}

impl<T: Tables> Drop for Sound<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}

use serde::Serialize;

use super::{Limit, Unique};

/// What a job shares with other jobs: a unique key, limits, a place in an order. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// Which other jobs count as the same job.
    pub unique: Option<Unique>,
    /// What it shares with others of a key.
    pub limits: Vec<Limit>,
    /// Jobs of one such key run strictly one after the other, in the order of their dispatch. One that fails, snoozes, is due
    /// later or waits for others holds up those behind it until it has ended, in whatever way: a dead job has ended. One that is
    /// retried by hand after its end goes before all that were dispatched after it, but never runs beside another.
    pub ordered: Option<String>,
}

impl Flow {
    /// A key made of a job's name and values, such as some of its arguments: different for every other name or value.
    ///
    /// It is their JSON, whole, so that two keys are never taken for one. The keys of objects are sorted, so that two equal maps
    /// make equal keys; a set of which the order is by chance, such as a `HashSet`, does not.
    ///
    /// ```
    /// use jobwork::Flow;
    ///
    /// # fn main() -> serde_json::Result<()> {
    /// assert_eq!(Flow::key("sync_user", &(7, "eu"))?, r#"["sync_user",[7,"eu"]]"#);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the values can't be written as JSON.
    pub fn key(name: &str, values: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
        let mut values = serde_json::to_value(values)?;
        // Already sorted, unless a crate somewhere in the program has asked serde_json to keep their order.
        values.sort_all_objects();
        serde_json::to_string(&(name, values))
    }

    /// Makes the job unique.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// Adds a limit.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Puts the job into the order of this key.
    #[must_use]
    pub fn ordered(mut self, key: impl Into<String>) -> Self {
        self.ordered = Some(key.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_names_or_values_differ() {
        let keys = [
            Flow::key("a", &()),
            Flow::key("a", ""),
            Flow::key("a", &("b", "c")),
            Flow::key("a", &("b,c",)),
            Flow::key("a", &("b\",\"c",)),
            Flow::key("a", &(("b", "c"),)),
            Flow::key("a\",[", &("b", "c")),
            Flow::key("a", &(1, "1")),
            Flow::key("a", &("1", 1)),
        ];
        let keys: std::collections::HashSet<String> = keys.into_iter().map(Result::unwrap).collect();
        assert_eq!(keys.len(), 9);
    }

    #[test]
    fn values_that_are_no_json_make_no_key() {
        assert!(Flow::key("a", &std::collections::HashMap::from([((1, 2), 3)])).is_err());
    }
}

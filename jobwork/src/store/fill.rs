use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Puts `output` under the key `slot` of the JSON object `args`, leaving every other value as its text stands.
///
/// Stores call this when a job that another one waited for has completed.
///
/// # Errors
/// When `args` is not a JSON object or `output` is not JSON.
pub(crate) fn fill(args: &str, slot: &str, output: &str) -> serde_json::Result<String> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(args)?;
    fields.insert(slot.to_owned(), serde_json::from_str(output)?);
    serde_json::to_string(&fields)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn the_output_takes_its_place_and_the_rest_keeps_its_digits() {
        let args = r#"{"feed":"news","n":10000000000000000000001}"#;
        let filled = fill(args, "audio", r#"{"id": 1}"#).unwrap();
        assert_eq!(filled, r#"{"audio":{"id": 1},"feed":"news","n":10000000000000000000001}"#);
    }

    #[test]
    fn an_array_has_no_slot() {
        assert!(fill("[1]", "audio", "2").is_err());
    }
}

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::sealed::{SEAL, envelope, is_sealed};

/// What stands in the place of what is encrypted.
const REDACTED: &str = "<encrypted>";

/// Stored JSON for people to look at, without what is encrypted.
pub(crate) fn redacted(json: &str) -> Cow<'_, str> {
    if !is_sealed(json) {
        return Cow::Borrowed(json);
    }
    let fields = serde_json::from_str::<BTreeMap<String, Value>>(json).unwrap_or_default();
    if fields.len() == 1 && fields.contains_key(SEAL) {
        return Cow::Owned(format!("\"{REDACTED}\""));
    }
    let shown = fields.into_iter().map(|(key, value)| {
        let hidden = key == SEAL || envelope(&value.to_string()).is_some();
        (key, if hidden { REDACTED.into() } else { value })
    });
    Cow::Owned(Value::Object(shown.collect()).to_string())
}

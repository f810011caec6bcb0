use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Keyring, NO_KEYS};

/// The key under which an object keeps what is encrypted; no parameter can have this name.
pub(super) const SEAL: &str = "$encrypted";

/// What is encrypted for what: the one is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use<'a> {
    /// The arguments of the job of this name.
    Args(&'a str),
    /// What a job returned.
    Output,
}

#[cfg(feature = "encryption")]
impl Use<'_> {
    /// The associated data.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Args(name) => format!("arguments of {name}").into_bytes(),
            Self::Output => b"output".to_vec(),
        }
    }
}

/// What is encrypted, and all that it takes to decrypt it but the key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// The id of the key.
    pub(super) key: String,
    /// In base64.
    pub(super) nonce: String,
    /// In base64, with the tag at its end.
    pub(super) data: String,
}

#[cfg(feature = "encryption")]
impl Envelope {
    /// The stored form: an object, which the outputs of other jobs can still be put into.
    pub(super) fn into_json(self) -> Result<String, String> {
        serde_json::to_string(&BTreeMap::from([(SEAL, self)])).map_err(|error| error.to_string())
    }
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Whether some of this stored JSON is encrypted. A look at the text is enough for all that isn't.
pub(crate) fn is_sealed(json: &str) -> bool {
    json.contains("\"$encrypted\"")
        && serde_json::from_str::<Fields<'_>>(json).is_ok_and(|fields| {
            fields.contains_key(SEAL) || fields.values().any(|value| envelope(value.get()).is_some())
        })
}

/// The envelope, where this JSON is nothing else.
pub(super) fn envelope(json: &str) -> Option<Envelope> {
    let mut fields = serde_json::from_str::<BTreeMap<String, Envelope>>(json).ok()?;
    if fields.len() == 1 { fields.remove(SEAL) } else { None }
}

/// What a job returned, from its stored form.
pub(crate) fn open_output(keyring: Option<&Keyring>, stored: &str) -> Result<String, String> {
    match envelope(stored) {
        Some(envelope) => keyring.ok_or(NO_KEYS)?.open(Use::Output, &envelope),
        None => Ok(stored.to_owned()),
    }
}

/// The arguments of the job `name` from their stored form, with the outputs of other jobs that were put into it.
pub(crate) fn open_args(keyring: Option<&Keyring>, name: &str, stored: &str) -> Result<String, String> {
    let broken = |_| "the stored arguments are no JSON object".to_owned();
    let mut outputs: Fields<'_> = serde_json::from_str(stored).map_err(broken)?;
    let own = match outputs.remove(SEAL) {
        Some(sealed) => {
            let envelope = serde_json::from_str(sealed.get()).map_err(|_| "what is encrypted is incomplete")?;
            keyring.ok_or(NO_KEYS)?.open(Use::Args(name), &envelope)?
        }
        None => "{}".to_owned(),
    };
    if outputs.is_empty() {
        return Ok(own);
    }
    let mut whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&own).map_err(broken)?;
    for (slot, output) in outputs {
        let output = open_output(keyring, output.get())?;
        let output = RawValue::from_string(output).map_err(|_| "an encrypted output is no JSON")?;
        if whole.insert(slot, output).is_some() {
            return Err("an argument stands beside what is encrypted and in it".to_owned());
        }
    }
    serde_json::to_string(&whole).map_err(|error| error.to_string())
}

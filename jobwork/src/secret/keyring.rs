use std::fmt;
use std::sync::{Arc, OnceLock};

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::sealed::Envelope;
use super::{Use, base64};
use crate::error::{Error, Result};

/// The keys that encrypt the arguments and outputs of `#[job(encrypted)]` where they rest.
///
/// The current key encrypts; the older ones still decrypt what they encrypted. To change keys, give every program the new
/// one as an older key first; then make it the current one; and take the old one away when no stored job is left that it
/// encrypted. Keep the keys where the store's backups are not.
///
/// ```
/// use jobwork::Keyring;
///
/// // From a file, a vault, or wherever your secrets are; by default from JOBWORK_KEYS, as here.
/// let keys = "2026b:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,\
///             2026a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
/// let keyring = Keyring::parse(keys)?;
/// assert_eq!(format!("{keyring:?}"), r#"Keyring(["2026b", "2026a"])"#);
/// # Ok::<(), jobwork::Error>(())
/// ```
///
/// What is encrypted: the arguments, from the dispatch on, and what the job returned. They are decrypted to perform the job, and
/// to read its result through a handle; the arguments also for the next step of a chain, where an output is one of them.
/// The cipher is XChaCha20-Poly1305, with a random nonce each time and the job's name as associated data.
///
/// What is not: names, queues, tags, times, keys of uniqueness, limits and order, messages of errors, and what a job that is
/// not `encrypted` returns to a next step that is. Make no key or tag of a secret.
#[derive(Clone)]
pub struct Keyring {
    /// The current one first.
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl Keyring {
    /// A ring with one key, of 32 random bytes, which encrypts from now on. The id is stored with all that it encrypts, and
    /// never belongs to another key.
    #[must_use]
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Self {
        Self { keys: vec![(id.into(), XChaCha20Poly1305::new(&key.into()))] }
    }

    /// Adds a key that only decrypts. Where the ring has a key of this id, that one stays.
    #[must_use]
    pub fn older(mut self, id: impl Into<String>, key: [u8; 32]) -> Self {
        let id = id.into();
        if self.cipher(&id).is_none() {
            self.keys.push((id, XChaCha20Poly1305::new(&key.into())));
        }
        self
    }

    /// The ring that `id:key,id:key` stands for: the current key first, each of 32 bytes in hexadecimal or base64 digits. A
    /// new one comes from `openssl rand -hex 32`.
    ///
    /// # Errors
    /// [`Error::Encryption`] says which key is wrong, and how; it never shows one.
    pub fn parse(keys: &str) -> Result<Self> {
        parse(keys).map_err(Error::Encryption)
    }

    fn cipher(&self, id: &str) -> Option<&XChaCha20Poly1305> {
        self.keys.iter().find(|(known, _)| known == id).map(|(_, cipher)| cipher)
    }

    /// Encrypts with the current key, and gives the stored form.
    pub(crate) fn seal(&self, what: Use<'_>, text: &str) -> Result<String, String> {
        let (id, cipher) = &self.keys[0];
        let nonce = XNonce::try_generate().map_err(|error| format!("the system gives no random numbers: {error}"))?;
        let data = cipher.encrypt(&nonce, Payload { msg: text.as_bytes(), aad: &what.to_bytes() });
        let data = data.map_err(|_| "it is too long")?;
        Envelope { key: id.clone(), nonce: base64::encode(&nonce), data: base64::encode(&data) }.into_json()
    }

    /// Decrypts with the key that the envelope names.
    pub(super) fn open(&self, what: Use<'_>, envelope: &Envelope) -> Result<String, String> {
        let id = &envelope.key;
        let Some(cipher) = self.cipher(id) else {
            return Err(format!("it takes the key `{id}`, and {self:?} has none of this id"));
        };
        let nonce = base64::decode(&envelope.nonce).and_then(|nonce| XNonce::try_from(nonce.as_slice()).ok());
        let data = base64::decode(&envelope.data);
        let opened = nonce
            .zip(data)
            .and_then(|(nonce, data)| cipher.decrypt(&nonce, Payload { msg: &data, aad: &what.to_bytes() }).ok());
        let text = opened.and_then(|text| String::from_utf8(text).ok());
        text.ok_or_else(|| {
            format!(
                "the key `{id}` did not encrypt it for this use, or it was changed since, or the key is another one now"
            )
        })
    }
}

fn parse(keys: &str) -> Result<Keyring, String> {
    let mut ring: Option<Keyring> = None;
    for (number, entry) in (1..).zip(keys.split(',')) {
        let (id, key) = entry.split_once(':').ok_or_else(|| format!("key {number} has no id: expected `id:key`"))?;
        let (id, digits) = (id.trim(), key.trim());
        if id.is_empty() {
            return Err(format!("the id of key {number} is empty: expected `id:key`"));
        }
        let key = bytes(digits).ok_or_else(|| {
            format!("the key `{id}` is not 32 bytes: expected 64 hexadecimal digits, or 43 or 44 of base64")
        })?;
        ring = Some(match ring {
            None => Keyring::new(id, key),
            Some(ring) if ring.cipher(id).is_some() => return Err(format!("two keys have the id `{id}`")),
            Some(ring) => ring.older(id, key),
        });
    }
    ring.ok_or_else(|| "there is no key".to_owned())
}

fn bytes(digits: &str) -> Option<[u8; 32]> {
    let bytes = if digits.len() == 64 { hexadecimal(digits)? } else { base64::decode(digits)? };
    bytes.try_into().ok()
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| Some((digit as char).to_digit(16)? as u8);
    digits.as_bytes().chunks(2).map(|pair| Some(value(pair[0])? << 4 | value(*pair.get(1)?)?)).collect()
}

/// The ring of `JOBWORK_KEYS`, if that is there; looked at once.
pub(crate) fn of_environment() -> Result<Option<Arc<Keyring>>, String> {
    static RING: OnceLock<Result<Option<Arc<Keyring>>, String>> = OnceLock::new();
    let read = || match std::env::var("JOBWORK_KEYS") {
        Ok(keys) => parse(&keys).map(|ring| Some(Arc::new(ring))).map_err(|error| format!("JOBWORK_KEYS: {error}")),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err("JOBWORK_KEYS is no text".to_owned()),
    };
    RING.get_or_init(read).clone()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_tuple("Keyring").field(&format_args!("{ids:?}")).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{is_sealed, open_args, open_output, redacted};
    use super::*;

    const ARGS: Use<'_> = Use::Args("pay");

    fn open(ring: &Keyring, sealed: &str) -> Result<String, String> {
        open_args(Some(ring), "pay", sealed)
    }

    /// The sealed object with one more member, as a store makes it.
    fn filled(sealed: &str, slot: &str, output: &str) -> String {
        format!("{},\"{slot}\":{output}}}", sealed.strip_suffix('}').unwrap())
    }

    #[test]
    fn what_is_sealed_is_opened_and_says_nothing_meanwhile() {
        let ring = Keyring::new("a", [7; 32]);
        let sealed = ring.seal(ARGS, r#"{"card":"4111"}"#).unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("4111"));
        assert_ne!(sealed, ring.seal(ARGS, r#"{"card":"4111"}"#).unwrap(), "the nonce was used twice");
        assert_eq!(open(&ring, &sealed).unwrap(), r#"{"card":"4111"}"#);
        assert_eq!(redacted(&sealed), "\"<encrypted>\"");
    }

    #[test]
    fn an_older_key_opens_and_the_current_one_seals() {
        let old = Keyring::new("a", [1; 32]);
        let new = Keyring::new("b", [2; 32]).older("a", [1; 32]);
        assert_eq!(open(&new, &old.seal(ARGS, "{}").unwrap()).unwrap(), "{}");
        let problem = open(&old, &new.seal(ARGS, "{}").unwrap()).unwrap_err();
        assert_eq!(problem, r#"it takes the key `b`, and Keyring(["a"]) has none of this id"#);
    }

    #[test]
    fn another_use_another_job_or_a_change_is_noticed() {
        let ring = Keyring::new("a", [7; 32]);
        let sealed = ring.seal(ARGS, "{}").unwrap();
        assert!(open_args(Some(&ring), "refund", &sealed).is_err());
        assert!(open_output(Some(&ring), &sealed).is_err());
        assert!(open(&Keyring::new("a", [8; 32]), &sealed).unwrap_err().contains("or the key is another one now"));
        let mut envelope: serde_json::Value = serde_json::from_str(&sealed).unwrap();
        envelope["$encrypted"]["data"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
        assert!(open(&ring, &envelope.to_string()).is_err());
    }

    #[test]
    fn outputs_are_merged_and_never_replace_what_was_sealed() {
        let ring = Keyring::new("a", [7; 32]);
        let sealed = ring.seal(ARGS, r#"{"card":1}"#).unwrap();
        let output = ring.seal(Use::Output, "[2]").unwrap();
        let both = filled(&sealed, "sum", &output);
        assert_eq!(open(&ring, &both).unwrap(), r#"{"card":1,"sum":[2]}"#);
        assert_eq!(redacted(&both), r#"{"$encrypted":"<encrypted>","sum":"<encrypted>"}"#);
        let plain = filled(&sealed, "sum", "3");
        assert_eq!(open(&ring, &plain).unwrap(), r#"{"card":1,"sum":3}"#);
        assert!(open(&ring, &filled(&sealed, "card", "9")).is_err());
    }

    #[test]
    fn what_only_looks_sealed_is_left_alone() {
        for json in [r#"{"a":"\"$encrypted\""}"#, r#"{"a":["$encrypted"]}"#, r#"{"a":{"$encrypted":1}}"#, "[1]", "no"] {
            assert!(!is_sealed(json), "{json}");
            assert_eq!(redacted(json), json);
        }
    }

    #[test]
    fn a_ring_that_can_not_be_read_says_why_and_shows_no_key() {
        let problems = [
            ("", "key 1 has no id"),
            ("abcdef", "key 1 has no id"),
            (":abcdef", "the id of key 1 is empty"),
            ("a:abcdef", "the key `a` is not 32 bytes"),
            ("a:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE,b", "key 2 has no id"),
        ];
        for (keys, problem) in problems {
            let error = Keyring::parse(keys).unwrap_err().to_string();
            assert!(error.contains(problem) && !error.contains("abcdef"), "{error}");
        }
        let twice = format!("a:{0},a:{0}", "00".repeat(32));
        assert!(Keyring::parse(&twice).unwrap_err().to_string().contains("two keys have the id `a`"));
    }
}

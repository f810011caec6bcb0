//! Arguments and outputs that are encrypted where they rest: their stored form, and the keys.

#[cfg(not(feature = "encryption"))]
mod absent;
#[cfg(feature = "encryption")]
mod base64;
#[cfg(feature = "encryption")]
mod keyring;
#[cfg(any(feature = "cli", all(test, feature = "encryption")))]
mod redacted;
mod sealed;

#[cfg(not(feature = "encryption"))]
pub(crate) use self::absent::{Keyring, of_environment};
#[cfg(feature = "encryption")]
pub use self::keyring::Keyring;
#[cfg(feature = "encryption")]
pub(crate) use self::keyring::of_environment;
#[cfg(any(feature = "cli", all(test, feature = "encryption")))]
pub(crate) use self::redacted::redacted;
pub(crate) use self::sealed::{Use, is_sealed, open_args, open_output};

/// Why a build without the feature has no keys.
pub(crate) const NO_KEYS: &str = if cfg!(feature = "encryption") {
    "there is no keyring: name keys in JOBWORK_KEYS, or give one to the app (`App::keyring`) and the client (`Jobs::with_keyring`)"
} else {
    "this program is built without jobwork's feature `encryption`"
};

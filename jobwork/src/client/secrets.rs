//! Encrypting what a client stores, and decrypting what it reads.

use std::borrow::Cow;
use std::sync::Arc;

use super::Jobs;
use crate::error::{Error, Result};
use crate::job::NewJob;
use crate::secret::{Keyring, NO_KEYS, Use, is_sealed, of_environment, open_args, open_output};

impl Jobs {
    /// The ring this client was given, else that of the environment.
    fn ring(&self) -> Result<Option<Arc<Keyring>>, String> {
        match self.keyring() {
            Some(ring) => Ok(Some(Arc::clone(ring))),
            None => of_environment(),
        }
    }

    /// Says what keeps this client from encrypting.
    pub(crate) fn check_keyring(&self) -> Result<(), String> {
        self.ring()?.map(drop).ok_or_else(|| NO_KEYS.to_owned())
    }

    fn encrypt(&self, what: Use<'_>, text: &str) -> Result<String, String> {
        self.ring()?.ok_or(NO_KEYS)?.seal(what, text)
    }

    /// Encrypts the arguments of a job that asks for it.
    pub(crate) fn seal(&self, job: &mut NewJob) -> Result<()> {
        if job.encrypted {
            job.args = self.encrypt(Use::Args(&job.name), &job.args).map_err(|problem| {
                Error::Encryption(format!("can't encrypt the arguments of job `{}`: {problem}", job.name))
            })?;
        }
        Ok(())
    }

    /// Encrypts what the job `name` returned.
    pub(crate) fn seal_output(&self, name: &str, output: &str) -> Result<String> {
        self.encrypt(Use::Output, output)
            .map_err(|problem| Error::Encryption(format!("can't encrypt the output of job `{name}`: {problem}")))
    }

    /// The arguments of the job `name` as they were dispatched.
    pub(crate) fn open_args<'a>(&self, name: &str, stored: &'a str) -> Result<Cow<'a, str>> {
        if !is_sealed(stored) {
            return Ok(Cow::Borrowed(stored));
        }
        let opened = self.ring().and_then(|ring| open_args(ring.as_deref(), name, stored));
        opened
            .map(Cow::Owned)
            .map_err(|problem| Error::Encryption(format!("can't decrypt the arguments of job `{name}`: {problem}")))
    }

    /// What the job `name` returned, as it returned it.
    pub(crate) fn open_output<'a>(&self, name: &str, stored: &'a str) -> Result<Cow<'a, str>> {
        if !is_sealed(stored) {
            return Ok(Cow::Borrowed(stored));
        }
        let opened = self.ring().and_then(|ring| open_output(ring.as_deref(), stored));
        opened
            .map(Cow::Owned)
            .map_err(|problem| Error::Encryption(format!("can't decrypt the output of job `{name}`: {problem}")))
    }
}

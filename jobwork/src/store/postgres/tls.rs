//! Encrypted connections, with the words that libpq has for them: the URL may be shared with other programs.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What a URL says of encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The value of `sslmode`; `prefer` where there is none.
    pub(super) mode: Option<String>,
    /// The value of `sslrootcert`: a file, or `system`.
    pub(super) roots: Option<String>,
}

/// How a server shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// Not at all.
    None,
    /// By a certificate of somebody who is trusted.
    Signed,
    /// By one that names its host, too.
    Named,
}

impl Wanted {
    /// The driver's own word for the mode.
    pub(super) fn driver_mode(&self) -> &str {
        match self.mode.as_deref() {
            Some(mode @ ("disable" | "prefer")) => mode,
            Some(_) => "require",
            None => "prefer",
        }
    }

    /// What the connections need for it.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(ring::default_provider());
        let proof = self.proof()?;
        let verifier = match proof {
            Proof::None => Verifier { proof, provider: Arc::clone(&provider), trusted: Vec::new(), chain: None },
            _ => self.verifier(proof, &provider)?,
        };
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| error.to_string())?.dangerous();
        let mut config = config.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Arc::new(config))
    }

    fn proof(&self) -> Result<Proof, String> {
        let system = self.roots.as_deref() == Some("system");
        match (self.mode.as_deref().unwrap_or("prefer"), &self.roots) {
            ("verify-full", _) => Ok(Proof::Named),
            (mode @ ("verify-ca" | "require" | "prefer"), Some(_)) if system => Err(too_weak(mode)),
            ("verify-ca", None) => Err(too_weak("verify-ca")),
            ("verify-ca", Some(_)) | ("require", Some(_)) => Ok(Proof::Signed),
            ("disable" | "prefer" | "require", _) => Ok(Proof::None),
            (mode, _) => {
                Err(format!("`sslmode={mode}`: expected `disable`, `prefer`, `require`, `verify-ca` or `verify-full`"))
            }
        }
    }

    /// Trusts the file that is named, or else whom the system trusts.
    fn verifier(&self, proof: Proof, provider: &Arc<CryptoProvider>) -> Result<Verifier, String> {
        let trusted = match self.roots.as_deref() {
            None | Some("system") => system_roots()?,
            Some(file) => file_roots(file)?,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let chain = chain.map_err(|error| format!("no certificate can be verified: {error}"))?;
        Ok(Verifier { proof, provider: Arc::clone(provider), trusted, chain: Some(chain) })
    }
}

fn too_weak(mode: &str) -> String {
    format!(
        "`sslmode={mode}` with the system's roots would trust anybody's certificate: expected `sslmode=verify-full`, or a file in `sslrootcert`"
    )
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    match found.errors.first() {
        Some(error) if found.certs.is_empty() => {
            Err(format!("can't read the system's roots: {error}; name a file in `sslrootcert`"))
        }
        None if found.certs.is_empty() => Err("the system has no roots; name a file in `sslrootcert`".to_owned()),
        _ => Ok(found.certs),
    }
}

fn file_roots(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(roots) if roots.is_empty() => Err(format!("`sslrootcert={file}`: expected certificates in PEM, found none")),
        Ok(roots) => Ok(roots),
        Err(error) => Err(format!("can't read `sslrootcert={file}`: {error}")),
    }
}

/// Looks at a server's certificate, as closely as is wanted.
#[derive(Debug)]
struct Verifier {
    proof: Proof,
    provider: Arc<CryptoProvider>,
    trusted: Vec<CertificateDer<'static>>,
    /// `None` where nothing is looked at.
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // A certificate that signs itself may be the very one that is trusted.
        let verified = if self.trusted.iter().any(|trusted| trusted == certificate) {
            let parsed = ParsedCertificate::try_from(certificate)?;
            rustls::client::verify_server_name(&parsed, name).map(|()| ServerCertVerified::assertion())
        } else {
            chain.verify_server_cert(certificate, between, name, ocsp, now)
        };
        match verified {
            // The name is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.proof != Proof::Named => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(mode: &str, roots: Option<&str>) -> Wanted {
        Wanted { mode: Some(mode.to_owned()), roots: roots.map(str::to_owned) }
    }

    #[test]
    fn modes_ask_for_as_much_as_they_do_elsewhere() {
        let file = Some("root.crt");
        for (mode, roots, proof) in [
            ("disable", None, Proof::None),
            ("prefer", None, Proof::None),
            ("prefer", file, Proof::None),
            ("require", None, Proof::None),
            ("require", file, Proof::Signed),
            ("verify-ca", file, Proof::Signed),
            ("verify-full", file, Proof::Named),
            ("verify-full", None, Proof::Named),
            ("verify-full", Some("system"), Proof::Named),
        ] {
            assert_eq!(wanted(mode, roots).proof(), Ok(proof), "{mode} {roots:?}");
        }
        assert_eq!(Wanted::default().proof(), Ok(Proof::None));
        assert_eq!(Wanted::default().driver_mode(), "prefer");
        assert_eq!(wanted("verify-ca", file).driver_mode(), "require");
    }

    #[test]
    fn what_is_weak_or_wrong_is_refused() {
        for (wanted, expected) in [
            (wanted("verify-ca", None), "`sslmode=verify-full`"),
            (wanted("require", Some("system")), "`sslmode=verify-full`"),
            (wanted("always", None), "`verify-ca` or `verify-full`"),
            (wanted("verify-full", Some("/nowhere/root.crt")), "can't read `sslrootcert=/nowhere/root.crt`"),
        ] {
            let error = wanted.config().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

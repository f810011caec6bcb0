//! Encrypted connections to a Postgres, as the words of libpq ask for them.

use std::path::PathBuf;
use std::time::Duration;

use jobwork::Error;
use jobwork::store::postgres::Postgres;
use jobwork_tests::postgres::{Private, connect};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// A server that encrypts, and the certificates of those who signed its own.
struct Setting {
    server: Private,
    files: TempDir,
}

impl Setting {
    /// The server's certificate names `localhost`.
    async fn new() -> Self {
        let (files, server) = (tempfile::tempdir().unwrap(), Private::start().await);
        let (root, issuer) = authority();
        let (other, _) = authority();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().pem();
        for (name, pem) in [("root.crt", &root), ("other.crt", &other), ("own.crt", &own)] {
            std::fs::write(files.path().join(name), pem).unwrap();
        }
        encrypt(&server, &own, &key.serialize_pem()).await;
        Self { server, files }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Opens a store at this host, and says whether its connections are encrypted.
    async fn open(&self, host: &str, query: &str) -> Result<bool, Error> {
        let url = self.server.url().replace("127.0.0.1", host);
        let _store = Postgres::open(&format!("{url}?{query}")).await?;
        let query = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'jobwork'";
        let encrypted: Option<bool> = connect(self.server.url()).await.query_one(query, &[]).await.unwrap().get(0);
        // The connections of one store are not to be taken for those of the next.
        self.server.terminate_backends().await;
        Ok(encrypted.expect("the store has a connection"))
    }

    async fn refused(&self, host: &str, query: &str) -> String {
        let error = self.open(host, query).await.unwrap_err();
        assert!(matches!(error, Error::Open { .. }), "{error:?}");
        error.to_string()
    }
}

/// Somebody who signs.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

/// Gives the server its certificate and its key, in files that are its own, and waits until it encrypts.
async fn encrypt(server: &Private, certificate: &str, key: &str) {
    let client = connect(server.url()).await;
    for (file, pem) in [("server.crt", certificate), ("server.key", key)] {
        let lines = format!("SELECT unnest(string_to_array('{}', E'\\n'))", pem.trim());
        let written = client.batch_execute(&format!("COPY ({lines}) TO PROGRAM 'umask 077 && cat >{file}'")).await;
        written.unwrap();
    }
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let url = format!("{}?sslmode=require", server.url());
    while Postgres::open(&url).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.terminate_backends().await;
}

#[tokio::test]
async fn modes_mean_what_they_mean_elsewhere() {
    let setting = Setting::new().await;
    let (root, other, own) = (setting.file("root.crt"), setting.file("other.crt"), setting.file("own.crt"));
    let (root, other, own) = (root.display(), other.display(), own.display());
    for (host, query, encrypted) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", String::new(), true),
        ("127.0.0.1", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={root}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={own}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={root}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={}", root.to_string().replace('/', "%2F")), true),
    ] {
        assert_eq!(setting.open(host, &query).await.unwrap(), encrypted, "{host} {query}");
    }
    for (host, query) in [
        ("127.0.0.1", format!("sslmode=require&sslrootcert={other}")),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={other}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={own}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}")),
        ("localhost", "sslmode=verify-full".to_owned()),
    ] {
        let error = setting.refused(host, &query).await;
        assert!(error.contains("certificate"), "{host} {query}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_refused_where_that_is_required() {
    let server = Private::start().await;
    Postgres::open(server.url()).await.unwrap();
    let error = Postgres::open(&format!("{}?sslmode=require", server.url())).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }) && error.to_string().contains("does not support TLS"), "{error}");
}

//! Certificates for servers that speak TLS, and for clients that trust them.

use std::path::{Path, PathBuf};

/// The certificate of the authority that clients must trust, as a PEM file.
#[must_use]
pub fn certificate_authority() -> PathBuf {
    file("ca.pem")
}

/// Names and values of a server's settings, except the port. Servers do not ask for certificates of clients.
pub(crate) fn settings() -> [(&'static str, String); 4] {
    [
        ("tls-cert-file", file("server.pem").display().to_string()),
        ("tls-key-file", file("server.key").display().to_string()),
        ("tls-ca-cert-file", certificate_authority().display().to_string()),
        ("tls-auth-clients", "no".to_owned()),
    ]
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(name)
}

//! Servers and sentinels that speak TLS.

use std::process::Command;

use rmap_testing::{Sentinel, Server, certificate_authority};

use crate::support::{binary, field, run};

/// The binary with this URL, which trusts the authority of the tests and no other.
fn trusting(url: &str) -> Command {
    let mut command = binary();
    command.env("SSL_CERT_FILE", certificate_authority()).env_remove("SSL_CERT_DIR").arg("--redis").arg(url);
    command
}

/// Writes and reads; a read joins the map, which takes a notification on the other connection.
#[track_caller]
fn works(url: &str, server: &Server) {
    run(trusting(url).args(["set", "colors", "sky", "blue"])).done();
    assert_eq!(field(server, "colors", "sky").unwrap(), b"blue");
    assert_eq!(run(trusting(url).args(["get", "colors", "sky"])).text(), "blue");
}

#[test]
fn a_server_is_reached() {
    let server = Server::builder().tls().start();
    for host in ["localhost", "127.0.0.1"] {
        works(&format!("rediss://{host}:{}", server.tls_port().unwrap()), &server);
    }
}

#[test]
fn a_server_is_reached_by_way_of_a_sentinel() {
    let server = Server::builder().tls().start();
    let sentinel = Sentinel::of(&server);
    works(&sentinel.tls_url(), &server);
}

#[test]
fn a_server_that_is_not_trusted_is_refused() {
    let server = Server::builder().tls().start();
    let url = format!("rediss://localhost:{}", server.tls_port().unwrap());
    let mut command = trusting(&url);
    // A certificate, but not that of the authority.
    command.env("SSL_CERT_FILE", certificate_authority().with_file_name("server.pem"));
    let line = run(command.args(["set", "colors", "sky", "blue"])).fails(3);
    assert!(line.contains("UnknownIssuer"), "{line}");
    assert_eq!(field(&server, "colors", "sky"), None);
}

#[test]
fn a_server_without_tls_is_not_taken_for_one_with_it() {
    let server = Server::start();
    let url = format!("rediss://localhost:{}", server.port());
    run(trusting(&url).args(["set", "colors", "sky", "blue"])).fails(3);
    assert_eq!(field(&server, "colors", "sky"), None);
}

//! Users and passwords.

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::transport::redis::ConnectError;

use crate::support::{client, join, refused};

#[tokio::test]
async fn wrong_and_missing_credentials_are_named_and_no_secret_is_told() {
    let rules = "user alice on >wonder ~* &* +@all\nuser bob off >builder ~* &* +@all\n";
    let (server, users) =
        (Server::builder().requirepass("hunter2").start(), Server::builder().aclfile(rules).start());
    let at = |server: &Server, credentials: &str| format!("redis://{credentials}127.0.0.1:{}", server.port());
    for (server, credentials) in [
        (&server, ""),
        (&server, ":secret1@"),
        (&server, "default:secret1@"),
        (&server, "nobody:hunter2@"),
        (&users, "alice:secret1@"),
        (&users, "nobody:wonder@"),
        (&users, "bob:builder@"),
    ] {
        let url = at(server, credentials);
        let cause = refused(client(), &url).await;
        assert!(matches!(cause, ConnectError::Authentication { .. }), "{url}: {cause:?}");
        let text = format!("{cause} {cause:?}");
        assert!(text.contains(&server.port().to_string()), "{text}");
        for secret in ["hunter2", "secret1", "wonder", "builder"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    for (server, credentials) in
        [(&server, ":hunter2@"), (&server, "default:hunter2@"), (&users, "alice:wonder@")]
    {
        let map = join(at(server, credentials)).await;
        must_end(map.set_and_wait("a", "1")).await.unwrap();
    }
}

/// The client notices a changed password when it makes new connections, and reads still work.
#[tokio::test]
async fn a_password_changed_later_is_told_in_the_status() {
    let server = Server::builder().aclfile("user alice on >old ~* &* +@all\n").start();
    let map = join(server.url_for_user("alice", "old")).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let mut raw = server.connection();
    let acl = |raw: &mut Connection, password: &str| {
        let () = cmd("ACL").arg(&["SETUSER", "alice", "resetpass", password]).query(raw).unwrap();
        let _: i64 = cmd("CLIENT").arg(&["KILL", "USER", "alice"]).query(raw).unwrap();
    };
    acl(&mut raw, ">new");
    eventually_async("the map knows", || !map.status().is_live()).await;
    assert_eq!(map.get("a").unwrap(), "1");
    acl(&mut raw, ">old");
    eventually_async("the map is live", || map.status().is_live()).await;
    must_end(map.set_and_wait("a", "2")).await.unwrap();
}

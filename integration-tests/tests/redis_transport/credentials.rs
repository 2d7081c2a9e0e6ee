//! Credentials from a program's own provider, which change over time.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration_tests::{Server, eventually_async};
use redis::cmd;
use rmap_client::transport::Transport;
use rmap_client::transport::redis::fred::error::Error;
use rmap_client::transport::redis::fred::types::config::{self, Config, CredentialProvider};
use rmap_client::transport::redis::{ConnectError, RedisOptions, RedisTransport};

use super::support::{connected, disconnected, inc, map, must, run, tasks};

type Credentials = (Option<String>, Option<String>);

#[derive(Debug, Default)]
struct Provider {
    password: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl Provider {
    fn of(password: &str) -> Arc<Self> {
        let provider = Self::default();
        provider.set(password);
        Arc::new(provider)
    }

    fn set(&self, password: &str) {
        *self.password.lock().unwrap() = Some(password.to_owned());
    }

    fn options(self: &Arc<Self>, server: &Server) -> RedisOptions {
        let mut config = Config::from_url(&format!("redis://127.0.0.1:{}", server.port())).unwrap();
        config.credential_provider = Some(Arc::clone(self) as Arc<dyn CredentialProvider>);
        RedisOptions::from_config(config)
    }
}

impl CredentialProvider for Provider {
    fn fetch<'a, 'b, 'f>(
        &'a self,
        _: Option<&'b config::Server>,
    ) -> Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send + 'f>>
    where
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok((None, self.password.lock().unwrap().clone()))))
    }

    fn refresh_interval(&self) -> Option<Duration> {
        Some(Duration::from_millis(20))
    }
}

#[tokio::test]
async fn credentials_of_a_provider_are_asked_for_and_renewed_until_the_end() {
    let server = Server::builder().requirepass("old").start();
    let before = tasks();
    let provider = Provider::of("old");
    let transport = RedisTransport::connect(provider.options(&server)).await.unwrap();
    connected(&transport).await;
    run(&transport, &map(), inc("n")).await.unwrap();
    let asked = provider.asked.load(Ordering::Relaxed);
    let is_renewed = || provider.asked.load(Ordering::Relaxed) > asked + 3;
    eventually_async("the credentials are renewed", is_renewed).await;
    let mut raw = server.connection();
    let _: () = cmd("CONFIG").arg(&["SET", "requirepass", "new"]).query(&mut raw).unwrap();
    provider.set("new");
    let _: i64 = cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).query(&mut raw).unwrap();
    disconnected(&transport).await;
    connected(&transport).await;
    run(&transport, &map(), inc("n")).await.unwrap();
    must(transport.close()).await;
    drop(must(RedisTransport::connect(provider.options(&server))).await.unwrap());
    eventually_async("the tasks to end", || tasks() == before).await;
}

#[tokio::test]
async fn a_provider_may_have_none_or_wrong_ones() {
    let (open, closed) = (Server::start(), Server::builder().requirepass("secret").start());
    let none = Arc::new(Provider::default());
    must(RedisTransport::connect(none.options(&open))).await.unwrap().close().await;
    for provider in [none, Provider::of("hunter2")] {
        let error = must(RedisTransport::connect(provider.options(&closed))).await.unwrap_err();
        assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

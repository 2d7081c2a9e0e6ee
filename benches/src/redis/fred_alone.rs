//! fred without rmap, with the settings that rmap gives it.

use fred::clients::Client;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::config::{Config, ConnectionConfig, PerformanceConfig, TcpConfig};
use fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};

use crate::world::World;

/// Large enough that no message is dropped.
const CAPACITY: usize = 1 << 14;

/// A connected client.
pub(crate) fn connect(world: &World) -> Client {
    let performance =
        PerformanceConfig { broadcast_channel_capacity: CAPACITY, ..PerformanceConfig::default() };
    let connection = ConnectionConfig {
        max_command_attempts: 1,
        max_redirections: 0,
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        ..ConnectionConfig::default()
    };
    let config = Config::from_url(&world.server.url()).unwrap();
    let client = Client::new(config, Some(performance), Some(connection), None);
    world.runtime.block_on(client.init()).unwrap();
    client
}

/// Ends the client and its tasks.
pub(crate) fn close(world: &World, client: &Client) {
    world.runtime.block_on(client.quit()).unwrap();
}

/// Loads a script that does nothing. Returns its hash.
pub(crate) fn load_empty_script(world: &World) -> String {
    world.raw().command(&["SCRIPT", "LOAD", "return 1"]).text().to_owned()
}

/// Calls the script that does nothing.
pub(crate) async fn call_empty_script(client: &Client, hash: &str) {
    let answer: i64 = client.evalsha(hash, "map:empty:content", Vec::<String>::new()).await.unwrap();
    assert_eq!(answer, 1);
}

/// Loads the script of `set`. Returns its hash.
pub(crate) fn load_set_script(world: &World) -> String {
    let set = rmap_proto::script::ALL.iter().find(|script| script.name() == "set").unwrap();
    world.raw().command(&["SCRIPT", "LOAD", set.source()]).text().to_owned()
}

/// Calls the script of `set` on a map of this name.
pub(crate) async fn call_set_script(client: &Client, hash: &str, map: &str, key: &[u8], value: &[u8]) {
    let channel = format!("map:{map}:updates");
    let args: Vec<Value> = vec![channel.into(), "none".into(), "0".into(), key.into(), value.into()];
    let _: Value = client.evalsha(hash, format!("map:{map}:content"), args).await.unwrap();
}

/// Reads a hash in pages and drops them. Returns the number of fields.
pub(crate) async fn scan(client: &Client, hash: &str, page: usize) -> usize {
    let (mut cursor, mut fields) = ("0".to_owned(), 0);
    loop {
        let command = CustomCommand::new_static("HSCAN", ClusterHash::FirstKey, false);
        let words = vec![hash.to_owned(), cursor, "COUNT".to_owned(), page.to_string()];
        let answer = client.custom_raw(command, words).await.unwrap();
        let Resp3Frame::Array { data, .. } = answer else { panic!("HSCAN was not answered by an array") };
        let Resp3Frame::Array { data: entries, .. } = &data[1] else { panic!("a page is no array") };
        fields += entries.len() / 2;
        let Resp3Frame::BlobString { data: next, .. } = &data[0] else { panic!("a cursor is no text") };
        cursor = String::from_utf8(next.to_vec()).unwrap();
        if cursor == "0" {
            return fields;
        }
    }
}

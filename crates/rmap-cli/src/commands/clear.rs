//! `reset` and `destroy`.

use super::write;
use crate::args::{MapName, Reset, Server};
use crate::failure::Failure;
use crate::{input, session};

pub(super) async fn reset(server: &Server, args: &Reset) -> Result<(), Failure> {
    let tests = args.tests.iter().map(|test| input::pair(test, args.hex)).collect::<Result<Vec<_>, _>>()?;
    let map = session::join(server, &args.name.map).await?;
    if tests.is_empty() {
        return write::revision(Some(map.reset().await?.revision));
    }
    let obstacle = || format!("map {}: not every key holds the value asked for", map.name());
    write::applied(&map.test_and_reset(tests).await?, obstacle)
}

pub(super) async fn destroy(server: &Server, args: &MapName) -> Result<(), Failure> {
    let map = session::join(server, &args.map).await?;
    write::revision(Some(map.destroy().await?.revision))
}

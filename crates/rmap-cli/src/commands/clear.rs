//! `reset` and `destroy`.

use super::write;
use crate::args::{MapName, Reset, Server};
use crate::failure::Failure;
use crate::{input, session};

pub(super) async fn reset(server: &Server, args: &Reset) -> Result<(), Failure> {
    let tests = args.tests.iter().map(input::pair).collect::<Result<Vec<_>, _>>()?;
    let map = session::join(server, &args.name.map).await?;
    if tests.is_empty() {
        return write::revision(Some(map.reset().await?.revision));
    }
    write::applied(map.test_and_reset(tests).await?)
}

pub(super) async fn destroy(server: &Server, args: &MapName) -> Result<(), Failure> {
    let map = session::join(server, &args.map).await?;
    write::revision(Some(map.destroy().await?.revision))
}

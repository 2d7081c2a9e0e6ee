//! The command connection of a pair.

use super::super::error::ConnectError;
use super::super::fred::Link;
use super::super::greeting::greeting;
use super::super::options::RedisOptions;

/// Makes a command connection on which the server takes commands.
pub(in super::super) async fn open(options: &RedisOptions) -> Result<Link, ConnectError> {
    let failed = |failure| options.failed(&failure);
    let mut link = Link::open(options.target(), options.step_limit()).await.map_err(failed)?;
    let answer = link.ping().await.map_err(failed)?;
    greeting(answer.map(drop)).map_err(|error| ConnectError::from_server(options.address(), &error))?;
    Ok(link)
}

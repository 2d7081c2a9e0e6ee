//! Options that begin with a configuration of fred.

use ::fred::types::config::Config;

use super::super::options::RedisOptions;
use super::target::Target;

impl RedisOptions {
    /// Takes a configuration of [fred](super), for what a URL cannot say, such as a provider of credentials that change over
    /// time.
    ///
    /// The protocol version and the settings for a failed first attempt are ours and overwritten. TLS must be by rustls,
    /// and needs the feature `tls`.
    pub fn from_config(config: Config) -> Self {
        Self::to(Target::new(config))
    }
}

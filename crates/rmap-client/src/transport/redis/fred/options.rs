//! Options from a configuration of fred.

use ::fred::types::config::Config;

use super::super::options::RedisOptions;
use super::target::Target;

impl RedisOptions {
    /// Takes a configuration of [fred](super), for settings that a URL cannot express, such as a provider of changing
    /// credentials.
    ///
    /// It overwrites the protocol version and the settings for a failed first attempt. TLS must use rustls and needs
    /// the feature `tls`.
    pub fn from_config(config: Config) -> Self {
        Self::to(Target::new(config))
    }
}

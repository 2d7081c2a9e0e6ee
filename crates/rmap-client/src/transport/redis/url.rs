//! Checks a URL. The library accepts any scheme and ignores unknown parts, so that a typing error would connect
//! unencrypted, as another user, or to another database.

use std::collections::BTreeSet;

use ::url::Url;

const PLAIN_SCHEMES: [&str; 8] = [
    "redis",
    "valkey",
    "redis-cluster",
    "valkey-cluster",
    "redis-sentinel",
    "valkey-sentinel",
    "redis+unix",
    "valkey+unix",
];

const TLS_SCHEMES: [&str; 6] =
    ["rediss", "valkeys", "rediss-cluster", "valkeys-cluster", "rediss-sentinel", "valkeys-sentinel"];

const SERVICE: &str = "sentinelServiceName";
const SENTINEL_USER: &str = "sentinelUsername";
const SENTINEL_PASSWORD: &str = "sentinelPassword";
const NODE: &str = "node";

/// Names the error in a URL and its place. No message contains a password: a `/`, `?` or `#` in a password that is
/// not written `%2F`, `%3F` or `%23` ends it, and then a later part of the URL contains the `@`.
pub(super) fn check(url: &str) -> Result<(), String> {
    check_scheme(url)?;
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    if url.fragment().is_some() {
        return Err("there is a # in it, which in a password is written %23".to_owned());
    }
    check_user(&url)?;
    check_database(&url)?;
    check_parameters(&url)
}

/// A part of a URL in a message, unless it may be the end of a password.
fn shown(part: &str) -> String {
    if part.contains('@') {
        "(not shown: it may be of a password, in which / and ? are written %2F and %3F)".to_owned()
    } else {
        part.escape_debug().to_string()
    }
}

fn check_scheme(url: &str) -> Result<(), String> {
    let Some((scheme, _)) = url.split_once("://") else {
        return Err("it does not begin with redis:// or the like".to_owned());
    };
    if PLAIN_SCHEMES.contains(&scheme) || (cfg!(feature = "tls") && TLS_SCHEMES.contains(&scheme)) {
        return Ok(());
    }
    Err(if TLS_SCHEMES.contains(&scheme) {
        format!("the scheme {scheme} needs the feature `tls` of rmap-client")
    } else {
        format!("unknown scheme {}", scheme.escape_debug())
    })
}

/// The library does not log in at all with a user and no password.
fn check_user(url: &Url) -> Result<(), String> {
    let missing = url.password().unwrap_or_default().is_empty();
    if missing && !url.username().is_empty() {
        return Err("there is a user without a password (a password without a user is :password@)".to_owned());
    }
    Ok(())
}

fn check_database(url: &Url) -> Result<(), String> {
    let database = url.path().strip_prefix('/').unwrap_or_default();
    if url.scheme().ends_with("+unix") || database.is_empty() {
        return Ok(());
    }
    match database.parse::<u8>() {
        Err(_) => Err(format!("the database {} is not a number from 0 to 255", shown(database))),
        Ok(1..) if is_cluster(url.scheme()) => Err("a cluster has no other database than 0".to_owned()),
        Ok(_) => Ok(()),
    }
}

fn check_parameters(url: &Url) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (name, value) in url.query_pairs() {
        check_parameter(url.scheme(), &name)?;
        if name == NODE {
            check_node(&value)?;
        } else if value.is_empty() {
            return Err(format!("the parameter {name} is empty"));
        } else if !seen.insert(name.clone()) {
            return Err(format!("the parameter {name} is there twice"));
        }
    }
    if is_sentinel(url.scheme()) && !seen.contains(SERVICE) {
        return Err(format!("the parameter {SERVICE} is missing"));
    }
    if seen.contains(SENTINEL_USER) && !seen.contains(SENTINEL_PASSWORD) {
        return Err(format!("the parameter {SENTINEL_USER} needs {SENTINEL_PASSWORD}"));
    }
    Ok(())
}

fn check_parameter(scheme: &str, name: &str) -> Result<(), String> {
    let (sentinel, cluster) = (is_sentinel(scheme), is_cluster(scheme));
    match name {
        NODE if sentinel || cluster => Ok(()),
        SERVICE if sentinel => Ok(()),
        SENTINEL_USER | SENTINEL_PASSWORD if sentinel && cfg!(feature = "sentinel-auth") => Ok(()),
        SENTINEL_USER | SENTINEL_PASSWORD if sentinel => {
            Err(format!("the parameter {name} needs the feature `sentinel-auth` of rmap-client"))
        }
        name => Err(format!("the parameter {} means nothing for {scheme}", shown(name))),
    }
}

/// Every further node gets the user and the password of the first.
fn check_node(node: &str) -> Result<(), String> {
    match node.split_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err(format!("the node {} is not HOST:PORT", shown(node))),
    }
}

fn is_sentinel(scheme: &str) -> bool {
    scheme.ends_with("-sentinel")
}

fn is_cluster(scheme: &str) -> bool {
    scheme.ends_with("-cluster")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[track_caller]
    fn refused(url: &str, why: &str) {
        let error = check(url).unwrap_err();
        assert!(error.contains(why), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        refused("", "redis://");
        refused("localhost:6379", "redis://");
        refused("alice:hunter2@localhost", "redis://");
        refused("http://localhost", "unknown scheme http");
        refused("redis://localhost:99999", "port");
        refused("redis://alice:hunter2@localhost:x", "port");
        refused("redis://[::1", "IPv6");
        refused("redis://localhost/abc", "database abc");
        refused("redis://localhost/256", "database 256");
        refused("redis://localhost/1/2", "database 1/2");
        refused("redis-cluster://localhost/3", "no other database");
        refused("redis-cluster://localhost?node=b", "node b is not HOST:PORT");
        refused("redis-cluster://localhost?node=[::1]:7001", "node [::1]:7001 is not HOST:PORT");
        refused("redis://alice@localhost", "without a password");
        refused("redis://localhost?database=3", "parameter database");
        refused("redis://localhost?node=b:7001", "parameter node");
        refused("redis://localhost?sentinelServiceName=main", "parameter sentinelServiceName means nothing");
        refused("redis://localhost?sentinelPassword=hunter2", "parameter sentinelPassword means nothing");
        refused("redis-sentinel://localhost", "sentinelServiceName is missing");
        refused("redis-sentinel://localhost?sentinelServiceName=", "sentinelServiceName is empty");
        refused("redis-sentinel://a?sentinelServiceName=m&sentinelServiceName=m", "twice");
        refused("redis-sentinel://localhost?sentinelservicename=main", "parameter sentinelservicename");
        refused("redis+unix:///run/redis.sock?db=1", "parameter db");
    }

    #[test]
    fn an_unescaped_password_is_not_shown() {
        refused("redis://alice:1234/hunter2@localhost", "%2F");
        refused("redis://alice:1234?hunter2@localhost", "%3F");
        refused("redis://alice:1234#hunter2@localhost/3", "%23");
        refused("redis://hunter2#x@localhost", "%23");
        refused("redis-cluster://a:7000?node=alice:hunter2@b:7001", "is not HOST:PORT");
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn tls_is_refused_without_the_feature() {
        refused("rediss://localhost", "`tls`");
    }

    #[test]
    #[cfg(not(feature = "sentinel-auth"))]
    fn credentials_for_sentinels_are_refused_without_the_feature() {
        let url = "redis-sentinel://a?sentinelServiceName=main&sentinelPassword=hunter2";
        refused(url, "sentinelPassword needs the feature `sentinel-auth`");
    }

    #[test]
    #[cfg(feature = "sentinel-auth")]
    fn credentials_for_sentinels_are_whole() {
        check("redis-sentinel://a?sentinelServiceName=m&sentinelPassword=p").unwrap();
        check("redis-sentinel://a?sentinelServiceName=m&sentinelUsername=u&sentinelPassword=p").unwrap();
        refused("redis-sentinel://a?sentinelServiceName=m&sentinelUsername=u", "needs sentinelPassword");
        refused("redis-sentinel://a?sentinelServiceName=m&sentinelPassword=", "is empty");
    }
}

//! The contract of a transport, as tests: the promises of [`Transport`](rmap_client::transport::Transport), and every
//! operation of a map through it.
//!
//! [`contract_tests!`](crate::contract_tests) makes one test of every body. It only needs a [`Backend`]: the server
//! behind the transport, with direct access to its hashes.
//!
//! ```
//! mod in_memory {
//!     rmap_testing::contract_tests!(rmap_testing::contract::MemoryBackend::default());
//! }
//! # fn main() {}
//! ```

mod backend;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod bodies;
mod list;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod listening;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod memory;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod redis;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod world;

pub use self::backend::{Backend, Fields};
pub use self::bodies::every;
pub use self::listening::Listening;
pub use self::memory::MemoryBackend;
pub use self::redis::RedisBackend;
pub use self::world::World;

/// Makes a test of every body of the suite. The argument is an expression for a [`Backend`](crate::contract::Backend)
/// on an empty server. Each test evaluates the expression in a runtime of its own.
///
/// The tests stand in modules named after their parts. Use the macro once in a module.
#[macro_export]
macro_rules! contract_tests {
    ($backend:expr) => {
        $crate::__rmap_contract_bodies! { [$crate::__rmap_contract_tests] ($backend) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rmap_contract_tests {
    (($backend:expr) $($module:ident: $($body:ident),+ $(,)?;)+) => {
        $(mod $module {
            #[allow(unused_imports, reason = "the expression may need what stands around it")]
            use super::*;

            $(#[test]
            fn $body() {
                $crate::contract::run(async {
                    let world = $crate::contract::World::new($backend).await;
                    $crate::contract::listed::$module::$body(world).await;
                });
            })+
        })+
    };
}

/// The bodies by their names. A body that is not listed is dead code, which the lints refuse.
macro_rules! listed {
    (() $($module:ident: $($body:ident),+ $(,)?;)+) => {
        #[doc(hidden)]
        pub mod listed {
            $(pub mod $module {
                $(
                    /// A body of the suite. It panics when the transport breaks its contract.
                    pub async fn $body(world: crate::contract::World) {
                        Box::pin(crate::contract::bodies::$module::$body(world)).await;
                    }
                )+
            })+
        }
    };
}

crate::__rmap_contract_bodies! { [listed] () }

/// Runs a test in a runtime of its own.
#[doc(hidden)]
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

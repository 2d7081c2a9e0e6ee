//! The integration tests stand on [`rmap_testing`].

pub use rmap_testing::*;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The first program of the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/first-map.md")]
struct FirstMap;

/// The program of the chapter about typed values compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/typed.md")]
struct Typed;

/// The program of the chapter about stores compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/store.md")]
struct Stores;

/// The test of the chapter about tests of services passes.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing-your-service.md")]
struct TestingYourService;

//! The `rmap` command line.
fn main() {}

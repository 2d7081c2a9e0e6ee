//! What a string of bytes is to a replica: a history of inputs, right and wrong ones. The fuzz target `replica` and the
//! test of its corpus share this file and those beside it.

mod bytes;
mod link;
mod oracle;
mod server;
mod world;

use bytes::Input;
use world::World;

/// Plays the history, holds the replica against its invariants after every step, and lets it settle at the end.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(&mut input);
    while let Some(step) = input.next() {
        world.take(step, &mut input);
        world.check();
    }
    world.settle();
}

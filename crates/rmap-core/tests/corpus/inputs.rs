//! A string of bytes as a history of a replica, with right and wrong inputs. The fuzz target `replica` and the test of
//! its corpus share this file and its submodules.

mod bytes;
mod link;
mod oracle;
mod server;
mod world;

use bytes::Input;
use world::World;

/// Plays the history, checks the replica's invariants after every step, and lets the replica settle at the end.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(&mut input);
    while let Some(step) = input.next() {
        world.take(step, &mut input);
        world.check();
    }
    world.settle();
}

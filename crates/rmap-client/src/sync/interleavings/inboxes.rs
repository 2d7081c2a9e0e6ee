//! The router fills an inbox while the driver empties it.

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::thread;

use super::check;
use crate::inbox::{Delivery, Inbox};
use crate::settings::Bound;
use crate::sum::Sum;

/// Messages that the router hands over.
const MESSAGES: u8 = 6;

fn message(number: u8) -> Delivery {
    Delivery::Update(vec![number].into())
}

/// Takes until the end. Each message comes in its order; a lag precedes any gap.
fn drive(inbox: &Inbox, most: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.last() != Some(&Delivery::Closed) {
        block_on(inbox.ready());
        let before = taken.len();
        inbox.take(most, &mut taken);
        assert!(taken.len() > before && taken.len() <= before + most);
    }
    taken
}

/// The numbers of the messages. Checks that nothing is missing without a lag.
fn numbers(taken: &[Delivery]) -> Vec<u8> {
    let (mut next, mut lagged, mut numbers) = (0, false, Vec::new());
    for delivery in taken {
        match delivery {
            Delivery::Update(payload) => {
                let number = payload[0];
                assert!(
                    number == next || lagged && number > next,
                    "{number} where {next} was due: {taken:?}"
                );
                (next, lagged) = (number + 1, false);
                numbers.push(number);
            }
            Delivery::Lagged => lagged = true,
            Delivery::Closed => assert!(next == MESSAGES || lagged, "{next} was due: {taken:?}"),
            Delivery::Connected(_)
            | Delivery::Disconnected(_)
            | Delivery::Mark(_)
            | Delivery::ClockJumped => {}
        }
    }
    numbers
}

fn between_router_and_driver(count: usize, most: usize, fill: fn(&Inbox)) -> Vec<Delivery> {
    let inbox = Arc::new(Inbox::new(Bound { count, bytes: 1000 }, Sum::new(usize::MAX).share()));
    let driver = {
        let inbox = Arc::clone(&inbox);
        thread::spawn(move || drive(&inbox, most))
    };
    fill(&inbox);
    driver.join().expect("the driver gets the end")
}

/// Each message alone.
fn one_by_one(inbox: &Inbox) {
    (0..MESSAGES).for_each(|number| inbox.push(message(number)));
    inbox.push(Delivery::Closed);
}

/// Appends in bursts like the router, and wakes the driver at the end of a burst if the inbox was empty.
fn in_bursts(inbox: &Inbox) {
    for burst in 0..MESSAGES / 3 {
        let mut wake = false;
        for number in 0..3 {
            wake |= inbox.append(message(3 * burst + number));
        }
        if wake {
            inbox.wake();
        }
    }
    inbox.push(Delivery::Closed);
}

#[test]
fn interleavings_of_messages() {
    check(|| {
        let taken = between_router_and_driver(100, 2, one_by_one);
        assert_eq!(numbers(&taken), (0..MESSAGES).collect::<Vec<_>>());
    });
}

#[test]
fn interleavings_of_bursts() {
    check(|| {
        let taken = between_router_and_driver(100, 4, in_bursts);
        assert_eq!(numbers(&taken), (0..MESSAGES).collect::<Vec<_>>());
    });
}

#[test]
fn interleavings_of_an_overflow() {
    check(|| {
        numbers(&between_router_and_driver(2, 2, one_by_one));
        numbers(&between_router_and_driver(2, 1, in_bursts));
    });
}

/// An overflow loses no event of the connection.
#[test]
fn interleavings_of_an_overflow_and_a_disconnect() {
    check(|| {
        let taken = between_router_and_driver(2, 1, |inbox| {
            inbox.push(Delivery::Connected(1));
            (0..3).for_each(|number| inbox.push(message(number)));
            inbox.push(Delivery::Disconnected("gone".into()));
            inbox.push(Delivery::Connected(2));
            (3..MESSAGES).for_each(|number| inbox.push(message(number)));
            inbox.push(Delivery::Closed);
        });
        numbers(&taken);
        let connection =
            |delivery: &&Delivery| matches!(delivery, Delivery::Connected(_) | Delivery::Disconnected(_));
        let last: Vec<_> = taken.iter().filter(connection).rev().take(2).collect();
        assert_eq!(last, [&Delivery::Connected(2), &Delivery::Disconnected("gone".into())]);
    });
}

//! What a device does while nothing happens: as little as possible, because each
//! time that it wakes costs its battery something.

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};

use crate::one::{One, at, id};

#[test]
fn among_devices_that_are_there_it_wakes_only_to_announce_itself() {
    let mut one = One::new();
    let minute = Duration::from_secs(60);
    let mut announcements: Vec<_> = (0..10).map(|number| (number, start(number))).collect();
    let (mut woken, mut now) = (0, Duration::ZERO);
    while now < 3 * minute {
        announcements.sort_by_key(|(_, due)| *due);
        let (number, due) = &mut announcements[0];
        let own = one.discovery.next_wakeup();
        if own < *due {
            now = own;
            woken += usize::from(now >= minute);
        } else {
            now = *due;
            for address in [format!("10.0.1.{number}:40000"), format!("[fe80::{number}%2]:40000")] {
                let who = id(&format!("FRND2{number}"));
                let datagram = Datagram::new(Kind::Announce, who, Some(5000), Some(7)).every(5);
                one.discovery.receive(now, at(&address), &datagram, &mut one.peers);
            }
            *due += Duration::from_secs(5);
        }
        let actions = one.act(now);
        assert!(now < minute || actions.is_empty(), "{actions:?}");
    }
    // Every five seconds in two minutes, and with jitter.
    assert!(woken <= 24 + 3, "woken {woken} times");
}

fn start(number: u64) -> Duration {
    Duration::from_millis(11_000 + number * 483)
}

//! The outbox: when its devices are tried, and that nothing that was promised is lost,
//! done twice or done in another order, whatever breaks.

mod sim;

use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::limits::{OUTBOX_EXPIRY, OUTBOX_TRY, OUTBOX_TRY_LONGEST};
use easyhttp_proto::outbox::{Action, Attempt, Full, Item, Outbox, Sent};

use sim::{Receiver, Simulation};

const T: fn(u64) -> Duration = Duration::from_secs;

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn outbox() -> Outbox {
    Outbox::new(10_000, 1 << 20)
}

fn push(outbox: &mut Outbox, now: Duration, to: &str, lifetime: Duration) -> u64 {
    let number = outbox.reserve(10).unwrap();
    let item =
        Item { to: id(to), bytes: 10, expires: now + lifetime, tries: 0, may_have_arrived: false };
    outbox.insert(now, number, item);
    number
}

/// Has each device that is due tried, with this outcome. Gives the items that were sent.
fn turn(outbox: &mut Outbox, now: Duration, attempt: Attempt) -> Vec<u64> {
    let mut sent = Vec::new();
    while let Some(action) = outbox.poll(now) {
        let Action::Deliver(id) = action else { panic!("{action:?}") };
        while let Some(next) = outbox.begin(now, id) {
            outbox.end(now, next.number, attempt);
            sent.push(next.number);
        }
    }
    sent
}

#[test]
fn a_device_that_is_away_is_tried_every_5_s_at_most_and_gets_all_when_it_is_heard() {
    let mut outbox = outbox();
    let numbers: Vec<_> =
        (0..1000).map(|_| push(&mut outbox, T(0), "7H8G2K", OUTBOX_EXPIRY)).collect();
    let mut tried = Vec::new();
    let away = T(600);
    let mut now = T(0);
    while now < away {
        let sent = turn(&mut outbox, now, Attempt::NotSent);
        assert_eq!(sent, numbers[..1]);
        tried.push(now);
        now = outbox.next_wakeup().unwrap();
    }
    assert!(tried.windows(2).all(|pair| pair[1] - pair[0] >= OUTBOX_TRY), "{tried:?}");
    assert!(tried.windows(2).all(|pair| pair[1] - pair[0] <= OUTBOX_TRY_LONGEST), "{tried:?}");
    let back = away + Duration::from_millis(123);
    outbox.heard(back, id("7H8G2K"));
    assert_eq!(outbox.next_wakeup(), Some(back));
    assert_eq!(turn(&mut outbox, back, Attempt::Accepted), numbers);
    assert!(outbox.is_empty());
    assert_eq!(outbox.next_wakeup(), None);
}

#[test]
fn a_device_that_is_heard_and_cannot_be_reached_is_tried_no_more_often() {
    let mut outbox = outbox();
    push(&mut outbox, T(0), "7H8G2K", OUTBOX_EXPIRY);
    let mut tried = 0;
    // It announces itself by two datagrams a second, and asks 50 times.
    for tick in 0..600 * 50 {
        let now = Duration::from_millis(tick * 20);
        outbox.heard(now, id("7H8G2K"));
        tried += turn(&mut outbox, now, Attempt::NotSent).len();
    }
    assert!((100..=600 / 5 + 12).contains(&tried), "{tried}");
}

#[test]
fn a_device_without_an_address_waits_until_it_has_one() {
    let mut outbox = outbox();
    let number = push(&mut outbox, T(0), "7H8G2K", OUTBOX_EXPIRY);
    assert_eq!(turn(&mut outbox, T(0), Attempt::Absent), [number]);
    assert_eq!(outbox.next_wakeup(), Some(OUTBOX_EXPIRY));
    outbox.heard(T(50), id("7H8G2K"));
    assert_eq!(turn(&mut outbox, T(50), Attempt::Accepted), [number]);

    // It got one while nobody had yet said that it had none.
    let number = push(&mut outbox, T(60), "7H8G2K", OUTBOX_EXPIRY);
    assert_eq!(outbox.poll(T(60)), Some(Action::Deliver(id("7H8G2K"))));
    outbox.begin(T(60), id("7H8G2K")).unwrap();
    outbox.heard(T(60), id("7H8G2K"));
    assert_eq!(outbox.end(T(60), number, Attempt::Absent), Sent::Waits);
    assert_eq!(outbox.begin(T(60), id("7H8G2K")), None);
    assert_eq!(turn(&mut outbox, T(60), Attempt::Accepted), [number]);
}

#[test]
fn one_device_does_not_hold_up_another() {
    let mut outbox = outbox();
    let first = push(&mut outbox, T(0), "7H8G2K", OUTBOX_EXPIRY);
    let second = push(&mut outbox, T(0), "AB3F9Z", OUTBOX_EXPIRY);
    let mut due = Vec::new();
    while let Some(Action::Deliver(id)) = outbox.poll(T(0)) {
        due.push(id);
    }
    assert_eq!(due, [id("7H8G2K"), id("AB3F9Z")]);
    // Both are under way; the second one is done first.
    assert_eq!(outbox.begin(T(0), id("7H8G2K")).unwrap().number, first);
    assert_eq!(outbox.begin(T(0), id("AB3F9Z")).unwrap().number, second);
    assert!(matches!(outbox.end(T(1), second, Attempt::Accepted), Sent::Delivered(_)));
    assert_eq!(outbox.end(T(1), first, Attempt::NotSent), Sent::Waits);
}

#[test]
fn what_an_attempt_means_depends_on_whether_one_before_it_may_have_arrived() {
    let mut outbox = outbox();
    let seven = id("7H8G2K");
    let push = |outbox: &mut Outbox| {
        let number = push(outbox, T(0), "7H8G2K", OUTBOX_EXPIRY);
        outbox.heard(T(0), seven);
        assert_eq!(outbox.poll(T(0)), Some(Action::Deliver(seven)));
        assert!(!outbox.begin(T(0), seven).unwrap().may_have_arrived);
        number
    };
    let again = |outbox: &mut Outbox, now| {
        assert_eq!(outbox.begin(now, seven), None);
        let due = outbox.next_wakeup().unwrap();
        assert_eq!(outbox.poll(due), Some(Action::Deliver(seven)));
        outbox.begin(due, seven).unwrap()
    };
    let end = |outbox: &mut Outbox, number, attempt| outbox.end(T(0), number, attempt);

    // Without a key nobody can find out.
    let number = push(&mut outbox);
    assert!(matches!(
        end(&mut outbox, number, Attempt::Unknown { has_key: false }),
        Sent::Unknown(_)
    ));
    assert_eq!(outbox.begin(T(0), seven), None);

    // The first attempt was forgotten: it has not been there, so another key will do, but
    // not at once again and again.
    let number = push(&mut outbox);
    assert_eq!(end(&mut outbox, number, Attempt::Forgotten), Sent::Rekeyed);
    assert!(!outbox.begin(T(0), seven).unwrap().may_have_arrived);
    assert_eq!(end(&mut outbox, number, Attempt::Forgotten), Sent::Waits);
    assert!(!again(&mut outbox, T(0)).may_have_arrived);
    assert!(matches!(end(&mut outbox, number, Attempt::Accepted), Sent::Delivered(_)));
    assert_eq!(outbox.begin(T(0), seven), None);

    // A later one was: nobody knows.
    for unsure in [Attempt::Unknown { has_key: true }, Attempt::Runs(T(1))] {
        let number = push(&mut outbox);
        assert_eq!(end(&mut outbox, number, unsure), Sent::Waits);
        assert!(again(&mut outbox, T(0)).may_have_arrived);
        assert!(matches!(end(&mut outbox, number, Attempt::Forgotten), Sent::Unknown(_)));
        assert_eq!(outbox.begin(T(0), seven), None);
    }

    // What did nothing changes nothing.
    for harmless in [Attempt::NotSent, Attempt::Busy(T(1))] {
        let number = push(&mut outbox);
        assert_eq!(end(&mut outbox, number, harmless), Sent::Waits);
        assert!(!again(&mut outbox, T(0)).may_have_arrived);
        assert!(matches!(end(&mut outbox, number, Attempt::Refused), Sent::Refused(_)));
        assert_eq!(outbox.begin(T(0), seven), None);
    }
    assert!(outbox.is_empty());
}

#[test]
fn what_has_expired_is_out_unless_it_is_being_sent() {
    let mut outbox = outbox();
    let short = push(&mut outbox, T(0), "7H8G2K", T(10));
    let shorter = push(&mut outbox, T(0), "7H8G2K", T(5));
    let long = push(&mut outbox, T(0), "7H8G2K", T(100));
    assert_eq!(outbox.poll(T(0)), Some(Action::Deliver(id("7H8G2K"))));
    assert_eq!(outbox.begin(T(0), id("7H8G2K")).unwrap().number, short);
    assert_eq!(outbox.next_wakeup(), Some(T(5)));
    assert!(matches!(outbox.poll(T(5)), Some(Action::Expired(number, _)) if number == shorter));
    // Its answer may still come.
    assert_eq!(outbox.poll(T(20)), None);
    assert!(matches!(outbox.end(T(20), short, Attempt::NotSent), Sent::Expired(_)));
    assert_eq!(outbox.begin(T(20), id("7H8G2K")), None);
    assert_eq!(outbox.iter().map(|(number, _)| number).collect::<Vec<_>>(), [long]);
}

#[test]
fn a_full_one_says_what_there_is_too_much_of() {
    let mut outbox = Outbox::new(2, 100);
    let now = T(0);
    assert_eq!(outbox.reserve(101), Err(Full::Bytes(100)));
    let first = push(&mut outbox, now, "7H8G2K", T(1));
    assert_eq!(outbox.reserve(91), Err(Full::Bytes(100)));
    // A place that was taken counts, until it is given back.
    outbox.reserve(90).unwrap();
    assert_eq!(outbox.reserve(0), Err(Full::Items(2)));
    outbox.release(90);
    let second = push(&mut outbox, now, "7H8G2K", T(1));
    assert!(second > first);
    assert_eq!(outbox.reserve(0), Err(Full::Items(2)));
    // An item that goes makes room.
    assert!(outbox.cancel(first).is_some());
    assert_eq!(outbox.cancel(first), None);
    outbox.reserve(80).unwrap();
    assert_eq!(turn(&mut outbox, now, Attempt::Accepted), [second]);
    // As soon as the user was told of it.
    assert_eq!(outbox.reserve(0), Err(Full::Items(2)));
    outbox.release(10);
    outbox.reserve(20).unwrap();
}

#[test]
fn what_is_being_sent_cannot_be_cancelled() {
    let mut outbox = outbox();
    let first = push(&mut outbox, T(0), "7H8G2K", T(10));
    let second = push(&mut outbox, T(0), "7H8G2K", T(10));
    outbox.poll(T(0));
    outbox.begin(T(0), id("7H8G2K")).unwrap();
    assert_eq!(outbox.cancel(first), None);
    assert!(outbox.cancel(second).is_some());
    outbox.end(T(0), first, Attempt::NotSent);
    assert!(outbox.cancel(first).is_some());
    assert!(outbox.is_empty());
}

#[test]
fn a_flush_tries_each_device_once_and_is_over() {
    let mut outbox = outbox();
    assert!(!outbox.is_flushing());
    push(&mut outbox, T(0), "7H8G2K", OUTBOX_EXPIRY);
    push(&mut outbox, T(0), "AB3F9Z", OUTBOX_EXPIRY);
    turn(&mut outbox, T(0), Attempt::Absent);
    outbox.flush(T(1));
    assert!(outbox.is_flushing());
    assert_eq!(turn(&mut outbox, T(1), Attempt::NotSent), [1, 2]);
    assert!(!outbox.is_flushing());
    outbox.flush(T(2));
    assert_eq!(turn(&mut outbox, T(2), Attempt::Accepted), [1, 2]);
    assert!(!outbox.is_flushing());
}

#[test]
fn an_item_of_an_earlier_run_goes_before_those_of_this_one_and_keeps_its_number() {
    let mut outbox = Outbox::new(1, 10);
    let item =
        Item { to: id("7H8G2K"), bytes: 50, expires: T(9), tries: 0, may_have_arrived: true };
    outbox.numbers_begin_after(40);
    outbox.restore(T(0), 7, item.clone());
    outbox.restore(T(0), 8, item);
    // There are more than may be, which is no reason to lose them.
    assert_eq!(outbox.reserve(1), Err(Full::Items(1)));
    assert_eq!(outbox.poll(T(0)), Some(Action::Deliver(id("7H8G2K"))));
    let next = outbox.begin(T(0), id("7H8G2K")).unwrap();
    assert_eq!((next.number, next.may_have_arrived), (7, true));
    for number in [7, 8] {
        outbox.end(T(0), number, Attempt::Accepted);
        outbox.release(50);
        outbox.begin(T(0), id("7H8G2K"));
    }
    assert_eq!(outbox.reserve(1), Ok(41));
}

/// How many worlds are tried; each takes about half a millisecond.
const SEEDS: u64 = 10_000;

#[test]
fn nothing_that_was_promised_is_lost_doubled_or_out_of_order() {
    for seed in 0..SEEDS {
        let kinds = [Receiver::Durable, Receiver::Forgetful];
        Simulation::new(seed, kinds[usize::from(seed % 2 == 0)]).run();
    }
}

#[test]
fn where_nobody_crashes_everybody_knows_what_came_of_everything() {
    for seed in 0..SEEDS / 10 {
        let simulation = Simulation::new(seed, Receiver::Durable).without_crashes();
        assert_eq!(simulation.run().unsure, 0, "seed {seed}");
    }
}

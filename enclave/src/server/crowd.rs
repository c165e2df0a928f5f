// SPDX-License-Identifier: Apache-2.0
//! Who has connections, and who loses one when there is no place for another.
//!
//! A full house lets newcomers in, at the cost of those who take most: of the client that has most
//! connections, those end on which nothing is being answered, and of these the ones on which nothing
//! has happened for longest. So opening connections, and keeping them, shuts nobody out: not those
//! at other addresses, and not those who share an address, for example behind a proxy, and have
//! their requests answered.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::IpAddr,
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering},
        Arc, Mutex, MutexGuard, PoisonError,
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::clients::Client;

/// Of all places, this part is emptied at once, so that looking for whose is rare.
const PART: usize = 64;

/// Of all places, this part is anybody's: clients with fewer count as having the same.
const FAIR_PART: usize = 64;

/// Everybody who is connected.
pub(super) struct Crowd {
    places: usize,
    opened: Instant,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, Arc<Guest>>,
}

/// A connection, as the crowd sees it.
struct Guest {
    client: Client,
    /// Requests that are being answered.
    answering: AtomicUsize,
    /// When something last happened, in milliseconds since the house was opened.
    seen: AtomicU64,
    leave: Notify,
}

/// A connection's place; free again when dropped.
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    id: u64,
    guest: Arc<Guest>,
}

/// A request that is being answered.
pub(super) struct Answering {
    crowd: Arc<Crowd>,
    guest: Arc<Guest>,
}

impl Crowd {
    /// With so many places, at least one.
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places: places.max(1), opened: Instant::now(), seats: Mutex::default() })
    }

    /// Gives a connection from an address a place. If there is none, others are told to leave.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Seat {
        let mut seats = self.seats();
        if seats.taken.len() >= self.places {
            self.make_room_in(&mut seats);
        }
        let client = Client::of(Some(address));
        let guest = Arc::new(Guest {
            client,
            answering: AtomicUsize::new(0),
            seen: AtomicU64::new(self.now()),
            leave: Notify::new(),
        });
        let id = seats.next;
        seats.next = seats.next.wrapping_add(1);
        seats.taken.insert(id, guest.clone());
        Seat { crowd: self.clone(), id, guest }
    }

    /// Tells some to leave, also if there are places: the system may have fewer. How many were told.
    pub(super) fn make_room(&self) -> usize {
        self.make_room_in(&mut self.seats())
    }

    fn make_room_in(&self, seats: &mut Seats) -> usize {
        let fair = (self.places / FAIR_PART).max(1);
        let mut clients: HashMap<Client, Vec<_>> = HashMap::new();
        for (&id, guest) in &seats.taken {
            let is_answering = guest.answering.load(Ordering::Relaxed) > 0;
            let seen = guest.seen.load(Ordering::Relaxed);
            // The id is its age, where the clock tells no difference.
            clients.entry(guest.client).or_default().push((is_answering, seen, id));
        }
        let mut order = Vec::with_capacity(seats.taken.len());
        for mut guests in clients.into_values() {
            guests.sort_unstable();
            // Each as if those before it were gone, so that nobody falls below the others.
            let held = (1..=guests.len()).rev();
            order.extend(held.zip(guests).map(|(held, (is_answering, seen, id))| {
                (Reverse(held.max(fair)), is_answering, seen, id)
            }));
        }
        let count = (self.places / PART).clamp(1, order.len().max(1));
        if count < order.len() {
            order.select_nth_unstable(count);
            order.truncate(count);
        }
        for &(.., id) in &order {
            if let Some(guest) = seats.taken.remove(&id) {
                guest.leave.notify_one();
            }
        }
        order.len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Waits until the connection is told to leave.
    pub(super) async fn told_to_leave(&self) {
        self.guest.leave.notified().await;
    }

    /// Tells of a request; it is being answered until what is returned is dropped.
    pub(super) fn answering(&self) -> Answering {
        self.guest.answering.fetch_add(1, Ordering::Relaxed);
        self.guest.seen.store(self.crowd.now(), Ordering::Relaxed);
        Answering { crowd: self.crowd.clone(), guest: self.guest.clone() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.seats().taken.remove(&self.id);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.guest.seen.store(self.crowd.now(), Ordering::Relaxed);
        self.guest.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;

    use super::*;

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn has_left(seat: &Seat) -> bool {
        seat.told_to_leave().now_or_never().is_some()
    }

    #[test]
    fn the_client_with_most_connections_makes_room() {
        let crowd = Crowd::new(4);
        let oldest_but_alone = crowd.admit(from(1));
        let mut storm: Vec<_> = (0..3).map(|_| crowd.admit(from(2))).collect();
        let newcomer = crowd.admit(from(3));
        assert!(!has_left(&oldest_but_alone) && !has_left(&newcomer));
        assert_eq!(storm.iter().map(has_left).collect::<Vec<_>>(), [true, false, false]);
        // The storm goes on: it takes its own places only.
        storm.extend((0..100).map(|_| crowd.admit(from(2))));
        assert_eq!(storm.iter().skip(1).filter(|seat| has_left(seat)).count(), 100);
        assert!(!has_left(&oldest_but_alone) && !has_left(&newcomer));
    }

    #[test]
    fn what_is_being_answered_stays_and_the_longest_idle_goes() {
        let crowd = Crowd::new(3);
        let [first, second, third] = [(); 3].map(|()| crowd.admit(from(1)));
        let request = first.answering();
        let fourth = crowd.admit(from(1));
        assert!(!has_left(&first) && has_left(&second) && !has_left(&third));
        // Having been answered a moment ago is better than having waited.
        std::thread::sleep(std::time::Duration::from_millis(5));
        drop(request);
        let fifth = crowd.admit(from(1));
        assert!(has_left(&third) && !has_left(&first) && !has_left(&fourth) && !has_left(&fifth));
    }

    #[test]
    fn if_everything_is_being_answered_one_goes_nevertheless() {
        let crowd = Crowd::new(2);
        let seats = [(); 2].map(|()| crowd.admit(from(1)));
        let _requests = seats.each_ref().map(Seat::answering);
        let _another = crowd.admit(from(2));
        assert!(has_left(&seats[0]) && !has_left(&seats[1]));
    }

    /// Who has few connections is not worse off than who has fewer.
    #[test]
    fn few_count_alike() {
        let crowd = Crowd::new(4 * FAIR_PART);
        let idle: Vec<_> = (0..4 * FAIR_PART - 4)
            .map(|client| crowd.admit(Ipv4Addr::from_bits(0x0a00_0000 + client as u32).into()))
            .collect();
        let proxy: Vec<_> = (0..4).map(|_| crowd.admit(from(1))).collect();
        let _requests: Vec<_> = proxy.iter().map(Seat::answering).collect();
        let _another = crowd.admit(from(2));
        assert!(!proxy.iter().any(has_left));
        assert_eq!(idle.iter().filter(|seat| has_left(seat)).count(), 4);
    }

    /// Who has a few more than others loses those, and not what is being answered beside the idle.
    #[test]
    fn nobody_falls_below_the_others() {
        let crowd = Crowd::new(FAIR_PART * FAIR_PART);
        let proxy: Vec<_> = (0..FAIR_PART + 6).map(|_| crowd.admit(from(1))).collect();
        let _requests: Vec<_> = proxy.iter().map(Seat::answering).collect();
        let idle: Vec<_> = (0..FAIR_PART * FAIR_PART - proxy.len())
            .map(|client| crowd.admit(Ipv4Addr::from_bits(0x0a00_0000 + client as u32).into()))
            .collect();
        let _another = crowd.admit(from(2));
        assert_eq!(proxy.iter().filter(|seat| has_left(seat)).count(), 6);
        assert_eq!(idle.iter().filter(|seat| has_left(seat)).count(), FAIR_PART - 6);
    }

    #[test]
    fn places_that_are_given_up_are_free_and_leave_nothing_behind() {
        let crowd = Crowd::new(2);
        for _ in 0..10 {
            let seats = [crowd.admit(from(1)), crowd.admit(from(2))];
            assert!(!seats.iter().any(has_left));
        }
        let seats: Vec<_> = (0..50).map(|_| crowd.admit(from(1))).collect();
        assert_eq!(seats.iter().filter(|seat| has_left(seat)).count(), 48);
        assert_eq!(crowd.seats().taken.len(), 2);
        drop(seats);
        assert!(crowd.seats().taken.is_empty());
        assert_eq!(crowd.make_room(), 0);
    }
}

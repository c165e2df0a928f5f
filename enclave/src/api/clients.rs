// SPDX-License-Identifier: Apache-2.0
//! Bounds on what one client address may take of the capacity: how often it asks, and how much of it
//! is worked on at once.
//!
//! What is remembered of clients is bounded, whatever addresses requests come from: the least recent
//! ones are forgotten, and begin anew. Nobody is refused because of the requests of others.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    net::SocketAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue},
    middleware::Next,
    response::Response,
};
use governor::{
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
    Quota, RateLimiter,
};
use tokio::time::sleep;

use super::{
    failure::{Failure, Status},
    route::Route,
    Context,
};
use crate::clients::{locked, AtOnce, Client, Place};

/// How often a client may ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Requests per second, for long.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// Bounds on each client; `None` sets none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ClientLimits {
    /// How often it may ask.
    pub rate: Option<Rate>,
    /// How many of its requests are worked on at the same time, from their head to their answer.
    pub concurrent: Option<NonZeroU32>,
}

impl ClientLimits {
    /// How many connections a client may have: browsers and pools keep some that they do not use.
    pub fn connections(&self) -> Option<NonZeroU32> {
        self.concurrent.map(|requests| requests.saturating_mul(at_least_one(4)))
    }
}

/// How often another enclave may send messages of a channel: filling a slot takes one after the other
/// over each of three channels, and each takes about a round trip. Strangers are held to it too.
const SYNC_RATE: Rate = Rate { per_second: at_least_one(1_000), burst: at_least_one(2_000) };

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Clients that are remembered for sure, per rate; at most twice as many are. An entry takes less than
/// 64 bytes.
const REMEMBERED: usize = 1 << 16;

/// A bounded map. When the younger half is full, the older one is forgotten and the younger one
/// becomes the older one; what is used moves to the younger one.
struct Generations<K, V> {
    capacity: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Copy + Eq + Hash, V: Copy> Generations<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, young: HashMap::new(), old: HashMap::new() }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

/// Until when each client has used up what it may.
struct Buckets(Mutex<Generations<Client, Nanos>>);

impl StateStore for Buckets {
    type Key = Client;

    fn measure_and_replace<T, F, E>(&self, client: &Client, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = locked(&self.0);
        let before = known.get(client);
        match decide(before) {
            Ok((allowed, after)) => {
                known.insert(*client, after);
                Ok(allowed)
            }
            Err(refused) => {
                // It is remembered that it was here: who goes on is not forgotten.
                if let Some(before) = before {
                    known.insert(*client, before);
                }
                Err(refused)
            }
        }
    }
}

type Limiter<C> = RateLimiter<Client, Buckets, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// How long a refusal is kept back. It costs little, but not nothing: who asks again as soon as it is
/// refused would be refused thousands of times a second. So it is a few times for each connection, and
/// those are bounded. It holds none of the places for requests.
const KEPT_BACK: Duration = Duration::from_millis(250);

/// What is known of clients.
pub(super) struct Clients<C: Clock = MonotonicClock> {
    clock: C,
    requests: Option<Limiter<C>>,
    messages: Option<Limiter<C>>,
    at_once: Arc<AtOnce>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refusal {
    /// The client asks too often; how long it is to wait.
    TooOften(Duration),
    /// Too many of its requests are being worked on.
    TooManyAtOnce,
}

impl Clients {
    /// Nobody is known yet.
    pub(super) fn new(limits: ClientLimits) -> Self {
        Self::with(limits, MonotonicClock, REMEMBERED)
    }
}

impl<C: Clock> Clients<C> {
    fn with(limits: ClientLimits, clock: C, remembered: usize) -> Self {
        let limiter = |Rate { per_second, burst }: Rate| {
            let quota = Quota::per_second(per_second).allow_burst(burst);
            RateLimiter::new(quota, Buckets(Mutex::new(Generations::new(remembered))), &clock)
        };
        let requests = limits.rate.map(limiter);
        let messages = limits.rate.map(|_| limiter(SYNC_RATE));
        Self { clock, requests, messages, at_once: AtOnce::new(limits.concurrent) }
    }

    fn admit(&self, client: Client, route: Route) -> Result<Place, Refusal> {
        let limiter = match route {
            Route::SlotSync => &self.messages,
            _ => &self.requests,
        };
        if let Some(limiter) = limiter {
            limiter
                .check_key(&client)
                .map_err(|until| Refusal::TooOften(until.wait_time_from(self.clock.now())))?;
        }
        self.at_once.enter(client).ok_or(Refusal::TooManyAtOnce)
    }
}

/// Refuses requests of clients that take too much.
pub(super) async fn bound_client(
    State((context, clients)): State<(Arc<Context>, Arc<Clients>)>,
    request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let failure = match clients.admit(Client::of(address), Route::of(&request).route) {
        Ok(_working) => return next.run(request).await,
        Err(Refusal::TooOften(wait)) => Failure::from(Status::TooManyRequests).retry_after(wait),
        Err(Refusal::TooManyAtOnce) => Failure::from(Status::TooManyAtOnce),
    };
    sleep(KEPT_BACK).await;
    let mut refusal = failure.answer(&context, None, 0);
    // Nothing else says so before a request is let in.
    let anybody = HeaderValue::from_static("*");
    refusal.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    refusal
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limits(per_second: u32, burst: u32) -> ClientLimits {
        let rate = Rate { per_second: at_least_one(per_second), burst: at_least_one(burst) };
        ClientLimits { rate: Some(rate), concurrent: None }
    }

    fn v4(number: u32) -> Client {
        Client::of(Some(Ipv4Addr::from_bits(number).into()))
    }

    /// How many of so many requests of a client are admitted now.
    fn admitted<C: Clock>(clients: &Clients<C>, client: Client, route: Route, of: usize) -> usize {
        (0..of).filter(|_| clients.admit(client, route).is_ok()).count()
    }

    #[test]
    fn a_client_may_send_a_burst_and_then_the_rate() {
        let clock = FakeRelativeClock::default();
        let clients = Clients::with(limits(2, 5), clock.clone(), 8);
        assert_eq!(admitted(&clients, v4(1), Route::Store, 20), 5);
        let refused = clients.admit(v4(1), Route::Retrieve).err();
        assert_eq!(refused, Some(Refusal::TooOften(Duration::from_millis(500))));
        // Another client is not concerned.
        assert_eq!(admitted(&clients, v4(2), Route::Store, 20), 5);
        clock.advance(Duration::from_millis(500));
        assert_eq!(admitted(&clients, v4(1), Route::Store, 20), 1);
        clock.advance(Duration::from_secs(2));
        assert_eq!(admitted(&clients, v4(1), Route::Store, 20), 4);
        // The limiter gives one more to whom it remembers.
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(admitted(&clients, v4(1), Route::Store, 20), 6);
    }

    #[test]
    fn channels_of_other_enclaves_have_a_rate_of_their_own() {
        let clients = Clients::with(limits(1, 1), FakeRelativeClock::default(), 8);
        assert_eq!(admitted(&clients, v4(1), Route::Store, 20), 1);
        assert_eq!(admitted(&clients, v4(1), Route::SlotSync, 5_000), 2_000);
        // Without a limit there is none for them either.
        let clients = Clients::with(ClientLimits::default(), FakeRelativeClock::default(), 8);
        assert_eq!(admitted(&clients, v4(1), Route::SlotSync, 5_000), 5_000);
    }

    #[test]
    fn a_flood_of_addresses_neither_grows_what_is_remembered_nor_refuses_others() {
        let remembered = 100;
        let clients = Clients::with(limits(1, 2), FakeRelativeClock::default(), remembered);
        for address in 0..10_000 {
            assert_eq!(admitted(&clients, v4(address), Route::Store, 3), 2);
        }
        let buckets = clients.requests.unwrap().into_state_store().0.into_inner().unwrap();
        assert!(buckets.young.len() <= remembered && buckets.old.len() <= remembered);
        assert_eq!(clients.at_once.clients(), 0);
    }

    #[test]
    fn who_goes_on_asking_is_not_forgotten_in_a_flood() {
        let remembered = 100;
        let clients = Clients::with(limits(1, 1), FakeRelativeClock::default(), remembered);
        assert_eq!(admitted(&clients, v4(1), Route::Store, 2), 1);
        for address in 2..10_000 {
            drop(clients.admit(v4(address), Route::Store));
            if address % 50 == 0 {
                assert_eq!(admitted(&clients, v4(1), Route::Store, 1), 0, "{address}");
            }
        }
    }

    #[test]
    fn what_is_worked_on_for_a_client_is_bounded_channels_included() {
        let limits = ClientLimits { rate: None, concurrent: NonZeroU32::new(2) };
        let clients = Clients::with(limits, FakeRelativeClock::default(), 8);
        let first = clients.admit(v4(1), Route::Store).ok().unwrap();
        let _second = clients.admit(v4(1), Route::SlotSync).ok().unwrap();
        assert_eq!(clients.admit(v4(1), Route::Health).err(), Some(Refusal::TooManyAtOnce));
        drop(first);
        assert!(clients.admit(v4(1), Route::Health).is_ok());
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What the enclave knows of the chain and of its own place on it, at the newest finalized block.

use std::{
    future::Future,
    pin::{pin, Pin},
    sync::Arc,
    time::Duration,
};

use sp_crypto_hashing::blake2_256;
use tee_primitives::{
    attestation::{record::AllowedMeasurement, PlatformId},
    Hash,
};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use crate::{
    chain::{
        facts::{self, Assignment, Record},
        At, Chain, ChainError, ChainInfo, Head,
    },
    identity::Identity,
};

pub mod attestation;

pub use attestation::{Live, Why};

/// Wait before the own place is read again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How far the chain's time may fall behind the time that goes by, before nothing is served: an
/// owner may have sold meanwhile. Blocks of the chain are seconds apart, and a block's time may be 30
/// seconds ahead.
pub const MAX_LAG: Duration = Duration::from_secs(120);

/// Where passing time is counted from: beyond every time a chain can have, so that differences are
/// never negative.
const ORIGIN: Duration = Duration::from_secs(1 << 40);

/// The chain at its newest finalized block. All of it belongs to that block. From one view to the
/// next the block's number never falls, whichever nodes are connected in between: an older state
/// could name an owner who has sold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Which chain.
    pub chain: Arc<ChainInfo>,
    /// The newest finalized block.
    pub finalized: Head,
    /// Its time, in seconds since the Unix epoch.
    pub now: u64,
    /// Where the enclave has its slot; `None` if it is not assigned.
    pub assignment: Option<Assignment>,
    /// The newest attestation of the own account, whatever it says.
    pub record: Option<Arc<Record>>,
    /// What governance has decided about the own measurement.
    pub measurement: Option<AllowedMeasurement>,
    /// Whether governance has banned the record's machine.
    pub is_platform_banned: bool,
    /// Whether the own attestation counts.
    pub attestation: Result<Live, Why>,
}

impl View {
    /// Where the enclave serves; `None` if it is not assigned, or its attestation does not count.
    pub fn service(&self) -> Option<Assignment> {
        self.assignment.filter(|_| self.attestation.is_ok())
    }

    /// Where the enclave stores and confirms keyshares; `None` if it does not serve, or in a cluster
    /// that does not take them.
    pub fn keyshare_service(&self) -> Option<Assignment> {
        self.service().filter(|assignment| assignment.cluster_type.takes_keyshares())
    }
}

/// What is known of the chain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Outlook {
    /// Nothing: no node has proven a final block since the start.
    #[default]
    Unknown,
    /// The runtime stores and calls things otherwise than this build knows: nothing it says is
    /// understood. Data stays as it is.
    AnotherAbi {
        /// What it says that it is like.
        found: Option<u32>,
    },
    /// The chain trusts another root of attestation than the enclave's own: what it says about
    /// attestations means nothing here. A development chain never gets a real enclave, nor a real
    /// chain a simulated one.
    AnotherRoot {
        /// Blake2-256 of the certificate that the chain trusts; `None` if it has none.
        found: Option<Hash>,
    },
    /// The chain at its newest finalized block, which has become too old to be served by.
    Stale(View),
    /// The chain at its newest finalized block.
    Known(View),
}

impl Outlook {
    /// The chain at a block that is new enough to act by; `None` if there is none.
    pub fn known(&self) -> Option<&View> {
        match self {
            Self::Known(view) => Some(view),
            Self::Unknown | Self::AnotherAbi { .. } | Self::AnotherRoot { .. } | Self::Stale(_) => {
                None
            }
        }
    }
}

/// Which chains this code understands.
#[derive(Clone, Debug)]
pub struct Understood {
    /// The certificate (DER) that the chain must trust.
    pub root: Vec<u8>,
    /// The interfaces that the chain may have, see [`ENCLAVE_ABI`].
    ///
    /// [`ENCLAVE_ABI`]: tee_primitives::abi::ENCLAVE_ABI
    pub abis: Vec<u32>,
}

/// Follows the chain's heads and publishes an [`Outlook`] for each newer finalized one. `max_lag` is
/// how far the chain may fall behind, which is [`MAX_LAG`]. Ends when there are no more heads.
pub async fn follow(
    chain: Arc<dyn Chain>,
    own: Identity,
    understood: Understood,
    max_lag: Duration,
    outlook: watch::Sender<Outlook>,
) {
    let mut heads = chain.heads();
    let followed = chain.clone();
    let abis = understood.abis.clone();
    let mut reader = Reader { chain, own, understood, machine: None, history: History::Nothing };
    let mut highest: Option<Head> = None;
    let mut age = Age { clock: Clock::new(max_lag), stale_at: None };
    loop {
        let newest = heads.borrow_and_update().clone();
        let newer = newest
            .filter(|newest| highest.is_none_or(|head| head.number < newest.finalized.number));
        if let Some(newest) = newer {
            // The present view may grow too old while the next one is read.
            let read = pin!(reader.read(newest.chain, newest.finalized));
            match age.watch(&outlook, &*followed, read).await {
                Ok(read) => {
                    highest = Some(newest.finalized);
                    match read {
                        Ok(view) => age.publish(&outlook, &*followed, view),
                        Err(other) => {
                            age.stale_at = None;
                            if tell(&outlook, other.clone()) {
                                complain(&other, &abis);
                            }
                        }
                    }
                }
                Err(error) => {
                    match error {
                        ChainError::Unreachable(_) => {
                            tracing::debug!(%error, "the own place could not be read");
                        }
                        ChainError::Malformed(_) | ChainError::Lied(_) => {
                            tracing::warn!(%error, "the own place could not be read");
                        }
                    }
                    age.watch(&outlook, &*followed, pin!(time::sleep(RETRY))).await;
                    if heads.has_changed().is_err() {
                        return;
                    }
                    continue;
                }
            }
        }
        let changed = pin!(heads.changed());
        if age.watch(&outlook, &*followed, changed).await.is_err() {
            return;
        }
    }
}

/// When the published view grows too old.
struct Age {
    clock: Clock,
    stale_at: Option<Instant>,
}

impl Age {
    /// Waits for something, and makes the view stale meanwhile if its time comes.
    async fn watch<T>(
        &mut self,
        outlook: &watch::Sender<Outlook>,
        chain: &dyn Chain,
        mut something: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        if let Some(at) = self.stale_at {
            if let Ok(value) = time::timeout_at(at, &mut something).await {
                return value;
            }
            self.stale_at = None;
            expire(outlook, chain);
        }
        something.await
    }

    /// Publishes a view: as one that is too old, if it is that from the beginning.
    fn publish(&mut self, outlook: &watch::Sender<Outlook>, chain: &dyn Chain, view: View) {
        let now = Instant::now();
        let stale_at = self.clock.stale_at(now, view.now);
        if stale_at > now {
            self.stale_at = Some(stale_at);
            publish(outlook, &view);
        } else {
            self.stale_at = None;
            let is_news = !matches!(&*outlook.borrow(), Outlook::Stale(_));
            outlook.send_replace(Outlook::Stale(view));
            if is_news {
                complain(&outlook.borrow(), &[]);
            }
            chain.leave();
        }
    }
}

/// Notices when the newest final block is too old to be served by: because no newer one comes, or
/// because they come later and later. The enclave has no clock that its machine could not change;
/// what it has is the chain's time and how fast time goes by. Once both went along, the chain's time
/// may not fall behind by more than `max_lag`. A delay that was there from the beginning is bounded by
/// the age of quotes that the chain takes.
struct Clock {
    max_lag: Duration,
    first: Option<Instant>,
    /// The smallest lead of the passing time over the chain's: how little they have been apart.
    least: Option<Duration>,
}

impl Clock {
    fn new(max_lag: Duration) -> Self {
        Self { max_lag, first: None, least: None }
    }

    /// When a block with this time, which became known at `arrival`, grows too old.
    fn stale_at(&mut self, arrival: Instant, seconds: u64) -> Instant {
        let first = *self.first.get_or_insert(arrival);
        let passed = arrival.saturating_duration_since(first).saturating_add(ORIGIN);
        let lead = passed.saturating_sub(Duration::from_secs(seconds));
        let least = self.least.map_or(lead, |least| least.min(lead));
        self.least = Some(least);
        let lag = lead.saturating_sub(least);
        arrival + self.max_lag.saturating_sub(lag)
    }
}

/// Makes the present view stale, and tries another node.
fn expire(outlook: &watch::Sender<Outlook>, chain: &dyn Chain) {
    let has_expired = outlook.send_if_modified(|known| match known {
        Outlook::Known(view) => {
            *known = Outlook::Stale(view.clone());
            true
        }
        _ => false,
    });
    if has_expired {
        complain(&outlook.borrow(), &[]);
    }
    chain.leave();
}

/// `known` are the interfaces that this build knows.
fn complain(outlook: &Outlook, known: &[u32]) {
    match outlook {
        Outlook::AnotherAbi { found } => tracing::error!(
            found,
            ?known,
            "the runtime is another one than this build knows: it is not served; a build for it is \
             needed"
        ),
        Outlook::AnotherRoot { found } => tracing::error!(
            found = found.map(hex::encode),
            "the chain trusts another root of attestation than this enclave: it is not served"
        ),
        Outlook::Stale(view) => tracing::error!(
            block = view.finalized.number,
            "the newest final block is too old: nothing is served by it"
        ),
        Outlook::Unknown | Outlook::Known(_) => (),
    }
}

/// Reads the own place, and remembers what one block alone does not tell.
struct Reader {
    chain: Arc<dyn Chain>,
    own: Identity,
    understood: Understood,
    /// The machine of the newest record.
    machine: Option<PlatformId>,
    /// Whether the chain has had an attestation of this start, and whether one of another start has
    /// taken its place since.
    history: History,
}

/// What the chain has had of this start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum History {
    Nothing,
    Attested,
    /// For good: somebody could bring an older quote of this start to the chain again.
    Superseded,
}

impl History {
    /// With one more record.
    fn and(self, record: Option<&Record>, session: [u8; 32]) -> Self {
        match (self, record) {
            (Self::Superseded, _) => Self::Superseded,
            (_, Some(record)) if record.session == session => Self::Attested,
            (Self::Attested, Some(_)) => Self::Superseded,
            (history, _) => history,
        }
    }
}

impl Reader {
    async fn read(
        &mut self,
        chain: Arc<ChainInfo>,
        finalized: Head,
    ) -> Result<Result<View, Outlook>, ChainError> {
        let at = At::Finalized(finalized.hash);
        let facts = facts::attestation(&*self.chain, at, &self.own, self.machine).await?;
        if facts.abi.is_none_or(|abi| !self.understood.abis.contains(&abi)) {
            return Ok(Err(Outlook::AnotherAbi { found: facts.abi }));
        }
        if facts.root.as_ref() != Some(&self.understood.root) {
            let found = facts.root.map(|root| blake2_256(&root));
            return Ok(Err(Outlook::AnotherRoot { found }));
        }
        let assignment =
            facts::assignment(&*self.chain, at, &self.own.account, &self.own.operator).await?;
        self.machine = facts.record.as_ref().map(|record| record.facts.platform);
        self.history = self.history.and(facts.record.as_ref(), self.own.session);
        let attestation = match self.history {
            History::Superseded => Err(Why::Superseded),
            History::Nothing | History::Attested => {
                attestation::judge(&self.own, &facts, finalized.number)
            }
        };
        Ok(Ok(View {
            chain,
            finalized,
            now: facts.now,
            assignment,
            record: facts.record.map(Arc::new),
            measurement: facts.measurement,
            is_platform_banned: facts.is_platform_banned,
            attestation,
        }))
    }
}

/// Publishes what is known. Whether it is news.
fn tell(outlook: &watch::Sender<Outlook>, new: Outlook) -> bool {
    outlook.send_if_modified(|known| {
        let is_news = *known != new;
        *known = new;
        is_news
    })
}

/// Publishes a view that is not known yet, and logs what has changed.
fn publish(outlook: &watch::Sender<Outlook>, view: &View) {
    let before = match &*outlook.borrow() {
        Outlook::Known(known) if known == view => return,
        Outlook::Known(known) => Some((known.assignment, known.attestation)),
        _ => None,
    };
    if before.map(|(assignment, _)| assignment) != Some(view.assignment) {
        match view.assignment {
            Some(Assignment { cluster_id, slot_id, cluster_type }) => {
                tracing::info!(cluster_id, slot_id, ?cluster_type, "assigned");
            }
            None => tracing::info!("not assigned to a cluster"),
        }
    }
    if before.map(|(_, attestation)| attestation) != Some(view.attestation) {
        match view.attestation {
            Ok(Live { expires_at, tcb_status }) => {
                tracing::info!(expires_at, ?tcb_status, "the attestation counts");
            }
            Err(why) => tracing::warn!("{}", why.sentence()),
        }
    }
    outlook.send_replace(Outlook::Known(view.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tee_primitives::abi::{storage, ENCLAVE_ABI};

    use crate::chain::scripted::{attesting, Scripted, OWN};

    const DEADLINE: Duration = Duration::from_secs(20);

    struct World {
        chain: Arc<Scripted>,
        outlook: watch::Receiver<Outlook>,
    }

    impl World {
        fn start() -> Self {
            Self::start_with(MAX_LAG)
        }

        fn start_with(max_lag: Duration) -> Self {
            let chain = Scripted::at(10, &OWN);
            let (sender, outlook) = watch::channel(Outlook::default());
            tokio::spawn(follow(chain.clone(), OWN, attesting::build(), max_lag, sender));
            Self { chain, outlook }
        }

        async fn sees(&mut self, what: impl FnMut(&Outlook) -> bool) -> Outlook {
            time::timeout(DEADLINE, self.outlook.wait_for(what))
                .await
                .expect("in time")
                .unwrap()
                .clone()
        }

        async fn at(&mut self, number: u32) -> View {
            let is_it = |outlook: &Outlook| matches!(outlook, Outlook::Known(view) if view.finalized.number == number);
            match self.sees(is_it).await {
                Outlook::Known(view) => view,
                _ => unreachable!("that is what was waited for"),
            }
        }

        async fn finalize(&mut self, number: u32) -> View {
            self.chain.finalize(number);
            self.at(number).await
        }
    }

    #[tokio::test]
    async fn the_finalized_number_never_falls_whichever_nodes_are_connected() {
        let mut world = World::start();
        world.at(10).await;

        // A node that lags: the scripted chain answers at once, so everything that follows from its
        // head has happened when the other tasks have had their turns.
        world.chain.finalize(9);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        world.at(10).await;
        world.finalize(11).await;
    }

    #[tokio::test]
    async fn service_needs_a_slot_and_an_attestation_that_counts() {
        let mut world = World::start();
        let view = world.at(10).await;
        assert!(view.service().is_some() && view.keyshare_service().is_some());
        world.chain.forget_attestation();
        let view = world.finalize(11).await;
        assert_eq!(view.attestation, Err(Why::Missing));
        assert_eq!((view.service(), view.keyshare_service()), (None, None));
        assert!(view.assignment.is_some());
        world.chain.attest(&OWN, 11);
        let view = world.finalize(12).await;
        assert!(view.service().is_some());
        world.chain.unassign();
        let view = world.finalize(13).await;
        assert_eq!((view.service(), view.attestation.is_ok()), (None, true));
    }

    #[tokio::test]
    async fn time_and_governance_act_at_the_next_block() {
        let mut world = World::start();
        let live = world.at(10).await.attestation.unwrap();
        world.chain.set_time(live.expires_at - 1);
        assert!(world.finalize(11).await.attestation.is_ok());
        world.chain.set_time(live.expires_at);
        let view = world.finalize(12).await;
        assert_eq!(view.now, live.expires_at);
        assert_eq!(
            view.attestation.unwrap_err().sentence(),
            "The enclave's attestation has expired."
        );
        world.chain.set_time(live.expires_at - 1);
        world.chain.ban_platform(true);
        let view = world.finalize(13).await;
        assert_eq!(
            view.attestation.unwrap_err().sentence(),
            "The chain has banned this enclave's machine."
        );
        world.chain.ban_platform(false);
        assert!(world.finalize(14).await.attestation.is_ok());
    }

    /// The other copy may hold what this one does not know of.
    #[tokio::test]
    async fn a_second_copy_of_the_disk_ends_the_service_of_the_first_for_good() {
        let mut world = World::start();
        assert!(world.at(10).await.service().is_some());
        let copy = Identity { session: [0xc0; 32], ..OWN };
        world.chain.attest(&copy, 10);
        let view = world.finalize(11).await;
        assert_eq!((view.attestation, view.service()), (Err(Why::Superseded), None));
        // Somebody has kept a quote of the first, and brings it.
        world.chain.attest(&OWN, 11);
        assert_eq!(world.finalize(12).await.attestation, Err(Why::Superseded));
        world.chain.forget_attestation();
        assert_eq!(world.finalize(13).await.attestation, Err(Why::Superseded));
    }

    #[tokio::test]
    async fn what_an_earlier_start_attested_does_not_count_and_is_replaced() {
        let mut world = World::start();
        world.at(10).await;
        let mut history = History::Nothing;
        let of = |session| attesting::record(&Identity { session, ..OWN }, 1);
        history = history.and(Some(&of([0xc0; 32])), OWN.session);
        assert_eq!(history, History::Nothing);
        history = history.and(None, OWN.session).and(Some(&of(OWN.session)), OWN.session);
        assert_eq!(history, History::Attested);
        // That the chain forgets an attestation is no other start.
        assert_eq!(history.and(None, OWN.session), History::Attested);
        assert_eq!(history.and(Some(&of([0xc0; 32])), OWN.session), History::Superseded);
    }

    #[tokio::test]
    async fn a_chain_with_another_root_is_never_served() {
        let mut world = World::start();
        world.at(10).await;
        world.chain.set_root(Some(tee_dcap::INTEL_ROOT_CA));
        world.chain.finalize(11);
        let found = Some(blake2_256(tee_dcap::INTEL_ROOT_CA));
        world.sees(|outlook| *outlook == Outlook::AnotherRoot { found }).await;
        world.chain.set_root(None);
        world.chain.finalize(12);
        world.sees(|outlook| *outlook == Outlook::AnotherRoot { found: None }).await;
        world.chain.set_root(Some(&attesting::root()));
        assert!(world.finalize(13).await.service().is_some());
    }

    /// What a build knows before an upgrade of the runtime.
    #[tokio::test]
    async fn a_build_that_knows_the_next_runtime_serves_before_and_after_the_upgrade() {
        let chain = World::start().chain;
        let understood =
            Understood { abis: vec![ENCLAVE_ABI, ENCLAVE_ABI + 1], ..attesting::build() };
        let (sender, mut outlook) = watch::channel(Outlook::default());
        let task = tokio::spawn(follow(chain.clone(), OWN, understood, MAX_LAG, sender));
        for (block, abi) in [(20, ENCLAVE_ABI), (21, ENCLAVE_ABI + 1)] {
            chain.set(storage::enclave_abi(), abi);
            chain.finalize(block);
            let at_block = |outlook: &Outlook| {
                outlook.known().is_some_and(|view| view.finalized.number == block)
            };
            outlook.wait_for(at_block).await.unwrap();
        }
        chain.set(storage::enclave_abi(), ENCLAVE_ABI + 2);
        chain.finalize(22);
        outlook.wait_for(|outlook| matches!(outlook, Outlook::AnotherAbi { .. })).await.unwrap();
        task.abort();
    }

    #[tokio::test]
    async fn a_runtime_that_this_build_does_not_know_is_not_served() {
        let mut world = World::start();
        world.at(10).await;
        world.chain.set(storage::enclave_abi(), ENCLAVE_ABI + 1);
        world.chain.finalize(11);
        let found = Some(ENCLAVE_ABI + 1);
        world.sees(|outlook| *outlook == Outlook::AnotherAbi { found }).await;
        world.chain.remove(&storage::enclave_abi());
        world.chain.finalize(12);
        world.sees(|outlook| *outlook == Outlook::AnotherAbi { found: None }).await;
        world.chain.set(storage::enclave_abi(), ENCLAVE_ABI);
        assert!(world.finalize(13).await.service().is_some());
    }

    /// F30: while finality stalls, tokens do not expire and owners do not change.
    #[tokio::test]
    async fn f30_a_view_that_no_newer_block_follows_grows_stale_and_recovers() {
        let max_lag = Duration::from_millis(1500);
        let mut world = World::start_with(max_lag);
        let start = Instant::now();
        world.at(10).await;
        world.sees(|outlook| matches!(outlook, Outlook::Stale(_))).await;
        assert!(start.elapsed() >= max_lag);
        // The chain's time goes on with it.
        world.chain.set_time(world.chain.time() + start.elapsed().as_secs());
        assert!(world.finalize(11).await.service().is_some());
    }

    /// Old blocks that are handed out one by one, each with the next one behind it.
    #[tokio::test]
    async fn f30_a_block_that_is_too_old_from_the_beginning_is_never_served_by() {
        let max_lag = Duration::from_millis(1500);
        let mut world = World::start_with(max_lag);
        world.at(10).await;
        world.sees(|outlook| matches!(outlook, Outlook::Stale(_))).await;
        let watcher = world.chain.clone();
        let mut seen = world.outlook.clone();
        for number in 11..40 {
            // The chain's time stands nearly still.
            watcher.finalize(number);
            let told = seen.wait_for(|outlook| {
                !matches!(outlook, Outlook::Stale(view) if view.finalized.number < number)
            });
            let told = time::timeout(DEADLINE, told).await.expect("in time").unwrap().clone();
            assert!(matches!(told, Outlook::Stale(_)), "{told:?}");
        }
    }

    /// The view is not kept by reads that take long.
    #[tokio::test]
    async fn a_view_grows_stale_while_the_next_one_cannot_be_read() {
        let mut world = World::start_with(Duration::from_millis(1500));
        world.at(10).await;
        world.chain.unreachable(true);
        world.chain.finalize(11);
        world.sees(|outlook| matches!(outlook, Outlook::Stale(_))).await;
        world.chain.unreachable(false);
        world.chain.set_time(world.chain.time() + 60);
        assert!(world.finalize(12).await.service().is_some());
    }

    #[test]
    fn blocks_that_come_later_and_later_are_noticed() {
        let mut clock = Clock::new(MAX_LAG);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(clock.stale_at(after(0), 5000), after(120));
        // Time goes by as on the chain.
        assert_eq!(clock.stale_at(after(60), 5060), after(180));
        // A block half a minute old; then the chain is told at half its speed.
        assert_eq!(clock.stale_at(after(120), 5090), after(210));
        assert_eq!(clock.stale_at(after(300), 5180), after(300));
        assert_eq!(clock.stale_at(after(400), 5230), after(400));
        // The chain's news at once again: nothing is held against it.
        assert_eq!(clock.stale_at(after(401), 5401), after(521));
        // An author whose clock is ahead makes the others a little late.
        assert_eq!(clock.stale_at(after(402), 5432), after(522));
        assert_eq!(clock.stale_at(after(403), 5403), after(493));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A chain for tests: its storage is written by the test, and its blocks come when the test says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use codec::{Decode, Encode};
use futures::{future::BoxFuture, FutureExt};
use sp_crypto_hashing::blake2_256;
use tee_primitives::{
    abi::storage,
    cluster::{Cluster, ClusterType, SlotId},
    keyshare::{
        KeyshareConfirmation, KeyshareKind, KeyshareStatus, PendingKeyshare, SlotConfirmation,
        SlotConfirmations, SyncedKeyshare,
    },
    nft::{NftData, NftId, NftState},
    rent::{AcceptanceType, CancellationFee, Duration, RentFee},
    BlockNumber, Hash, RawAccountId,
};
use tokio::sync::watch;

use super::{
    facts::{Contract, Nft},
    At, Chain, ChainError, ChainInfo, Head, Heads, Included, SubmitError, Values,
};
use crate::identity::Identity;

pub(crate) mod attesting;

pub(crate) use attesting::{Sent, NOW};

pub(crate) const GENESIS: Hash = [0x6e; 32];

/// An enclave whose keys nobody has.
pub(crate) const OWN: Identity = Identity {
    account: [1; 32],
    operator: [2; 32],
    measurement: attesting::MEASUREMENT,
    encryption_key: [0xec; 32],
    tls_spki_hash: [0; 32],
    session: [0x5e; 32],
};

pub(crate) const CLUSTER: u32 = 3;
pub(crate) const SLOT: u32 = 2;

/// What happens to the next transactions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Fate {
    /// Included, finalized, and it does what it should.
    #[default]
    Works,
    /// Included and finalized, but the call fails.
    FailsOnChain,
    /// It works, but the reply is lost.
    ReplyLost,
    /// The node refuses it.
    Refused,
    /// Nothing is heard of it.
    Hangs,
}

/// Measurements read it a lot: what that costs must not be what is measured.
type Storage = HashMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct State {
    best: Storage,
    finalized: HashMap<Hash, Arc<Storage>>,
    unreachable: bool,
    fate: Fate,
    batches: Vec<Vec<KeyshareConfirmation>>,
    /// All transactions that came, also refused ones.
    sent: Vec<Sent>,
    /// The blocks that hold transactions of the account.
    included: Vec<BlockNumber>,
    /// How often it was read.
    reads: usize,
}

pub(crate) struct Scripted {
    account: RawAccountId,
    slot: SlotId,
    heads: watch::Sender<Option<Heads>>,
    state: Mutex<State>,
    batches: watch::Sender<usize>,
}

impl Scripted {
    /// A chain without blocks. It knows the collateral of the tests' machines, and allows their
    /// measurement.
    pub(crate) fn new(account: RawAccountId) -> Arc<Self> {
        Self::in_slot(account, SLOT)
    }

    /// The same, where the account's slot is another one.
    pub(crate) fn in_slot(account: RawAccountId, slot: SlotId) -> Arc<Self> {
        let heads = watch::Sender::new(None);
        let batches = watch::Sender::new(0);
        let chain = Arc::new(Self { account, slot, heads, state: Mutex::default(), batches });
        chain.trust();
        chain
    }

    /// A chain at `block`, which is finalized, with the enclave attested and assigned.
    pub(crate) fn at(block: BlockNumber, own: &Identity) -> Arc<Self> {
        let chain = Self::new(own.account);
        chain.assign(own.operator, ClusterType::Public);
        chain.attest(own, 0);
        chain.finalize(block);
        chain
    }

    /// The account's slot, once it is assigned.
    pub(crate) fn slot(&self) -> SlotId {
        self.slot
    }

    pub(crate) fn set(&self, key: Vec<u8>, value: impl Encode) {
        self.state.lock().unwrap().best.insert(key, value.encode());
    }

    pub(crate) fn remove(&self, key: &[u8]) {
        self.state.lock().unwrap().best.remove(key);
    }

    pub(crate) fn get<T: Decode>(&self, key: &[u8]) -> Option<T> {
        let state = self.state.lock().unwrap();
        state.best.get(key).map(|value| T::decode(&mut value.as_slice()).unwrap())
    }

    pub(crate) fn assign(&self, operator: RawAccountId, cluster_type: ClusterType) {
        self.set(storage::enclave_account_operator(&self.account), operator);
        self.set(storage::enclave_cluster_id(&operator), CLUSTER);
        let other = (self.slot + 3) % 5;
        let enclaves = vec![([9u8; 32], other), (operator, self.slot)];
        self.set(storage::cluster_data(CLUSTER), Cluster { enclaves, cluster_type });
    }

    pub(crate) fn unassign(&self) {
        self.remove(&storage::enclave_account_operator(&self.account));
    }

    /// Mints a secret NFT whose first version is pending.
    pub(crate) fn mint(&self, nft_id: NftId, owner: RawAccountId) {
        self.mint_with(nft_id, owner, NftState { is_secret: true, ..Default::default() });
        self.pending(nft_id, 1);
    }

    pub(crate) fn mint_with(&self, nft_id: NftId, owner: RawAccountId, state: NftState) {
        let nft: Nft = NftData {
            owner,
            creator: owner,
            offchain_data: b"uri".to_vec(),
            collection_id: None,
            royalty: Default::default(),
            state,
        };
        self.set(storage::nft(nft_id), nft);
    }

    pub(crate) fn pending(&self, nft_id: NftId, version: u32) {
        self.pending_of(KeyshareKind::Secret, nft_id, version);
    }

    pub(crate) fn pending_of(&self, kind: KeyshareKind, nft_id: NftId, version: u32) {
        let pending = Some(PendingKeyshare { version, since: 1 });
        let key = storage::keyshares(nft_id, kind);
        let synced = self.get::<KeyshareStatus>(&key).and_then(|status| status.synced);
        self.set(key, KeyshareStatus { synced, pending });
    }

    /// Declares the pending version synced, with this commitment for the enclave's slot.
    pub(crate) fn sync(&self, nft_id: NftId, block_number: BlockNumber, commitment: Hash) {
        self.sync_of(KeyshareKind::Secret, nft_id, block_number, commitment);
    }

    pub(crate) fn sync_of(
        &self,
        kind: KeyshareKind,
        nft_id: NftId,
        block_number: BlockNumber,
        commitment: Hash,
    ) {
        let mut commitments = [[0xee; 32]; 5];
        commitments[self.slot as usize] = commitment;
        self.sync_all(kind, nft_id, block_number, commitments);
    }

    /// The same, with the commitments of all slots.
    pub(crate) fn sync_all(
        &self,
        kind: KeyshareKind,
        nft_id: NftId,
        block_number: BlockNumber,
        commitments: [Hash; 5],
    ) {
        let key = storage::keyshares(nft_id, kind);
        let status: KeyshareStatus = self.get(&key).unwrap();
        let version = status.pending.unwrap().version;
        let synced = SyncedKeyshare { version, cluster_id: CLUSTER, block_number, commitments };
        self.set(key, KeyshareStatus { synced: Some(synced), pending: None });
    }

    /// The owner takes back the pending version.
    pub(crate) fn cancel_of(&self, kind: KeyshareKind, nft_id: NftId) {
        let key = storage::keyshares(nft_id, kind);
        let status: KeyshareStatus = self.get(&key).unwrap();
        self.set(key, KeyshareStatus { pending: None, ..status });
    }

    pub(crate) fn delegate(&self, nft_id: NftId, to: RawAccountId) {
        self.set(storage::delegated_nft(nft_id), to);
    }

    /// A rental contract; it waits for a rentee if it has no start.
    pub(crate) fn rent(
        &self,
        nft_id: NftId,
        rentee: Option<RawAccountId>,
        start_block: Option<BlockNumber>,
        blocks: BlockNumber,
    ) {
        let contract = Contract {
            start_block,
            renter: [0xaa; 32],
            rentee,
            duration: Duration::Fixed(blocks),
            acceptance_type: AcceptanceType::AutoAcceptance(None),
            renter_can_revoke: false,
            rent_fee: RentFee::Tokens(1),
            renter_cancellation_fee: CancellationFee::None,
            rentee_cancellation_fee: CancellationFee::None,
            creation_block: 1,
        };
        self.set(storage::rent_contract(nft_id), contract);
    }

    /// What the chain has of this slot for the first version.
    pub(crate) fn confirmed(&self, nft_id: NftId) -> Option<SlotConfirmation<RawAccountId>> {
        let key = storage::confirmations(nft_id, KeyshareKind::Secret, 1, CLUSTER);
        self.get::<SlotConfirmations<RawAccountId>>(&key)?[self.slot as usize]
    }

    /// A new best block with everything that was set.
    pub(crate) fn author(&self, block: BlockNumber) {
        self.heads.send_modify(|heads| {
            if let Some(heads) = heads {
                heads.best = block;
            }
        });
    }

    /// Finalizes everything that was set, in this block.
    pub(crate) fn finalize(&self, block: BlockNumber) {
        let hash = Self::hash(block);
        {
            let mut state = self.state.lock().unwrap();
            let best = Arc::new(state.best.clone());
            state.finalized.insert(hash, best);
        }
        self.heads.send_modify(|heads| {
            let best = heads.as_ref().map_or(block, |heads| heads.best.max(block));
            let chain = Arc::new(ChainInfo { name: "scripted".into(), genesis_hash: GENESIS });
            *heads = Some(Heads { chain, finalized: Head { number: block, hash }, best });
        });
    }

    fn hash(block: BlockNumber) -> Hash {
        blake2_256(&(GENESIS, block).encode())
    }

    pub(crate) fn finalized(&self) -> BlockNumber {
        self.heads.borrow().as_ref().unwrap().finalized.number
    }

    /// From now on reads fail, or succeed again.
    pub(crate) fn unreachable(&self, unreachable: bool) {
        self.state.lock().unwrap().unreachable = unreachable;
    }

    pub(crate) fn fate(&self, fate: Fate) {
        self.state.lock().unwrap().fate = fate;
    }

    /// Waits for the n-th batch of confirmations.
    pub(crate) async fn batch(&self, n: usize) -> Vec<KeyshareConfirmation> {
        self.batches.subscribe().wait_for(|batches| *batches > n).await.unwrap();
        self.state.lock().unwrap().batches[n].clone()
    }

    /// How often it was read so far.
    pub(crate) fn reads(&self) -> usize {
        self.state.lock().unwrap().reads
    }

    pub(crate) fn batches(&self) -> usize {
        *self.batches.borrow()
    }

    /// Transactions of the account that are in blocks.
    pub(crate) fn included(&self) -> usize {
        self.state.lock().unwrap().included.len()
    }

    /// Does what a call does. Whether it did not fail.
    fn apply(&self, sent: &Sent) -> bool {
        match sent {
            Sent::Confirmations(batch) => self.confirm(batch),
            Sent::Attestation { payload, quote } => self.take_attestation(payload, quote),
            Sent::Collateral(item) => self.take_collateral(item),
            // Whoever writes a test decides about it.
            Sent::TakingOver(..) => true,
        }
    }

    fn note(&self, sent: Sent) {
        let mut state = self.state.lock().unwrap();
        if let Sent::Confirmations(batch) = &sent {
            state.batches.push(batch.clone());
        }
        state.sent.push(sent);
        self.batches.send_replace(state.batches.len());
    }

    /// Fails as a whole if the enclave is not attested, or the cluster does not take keyshares.
    fn confirm(&self, batch: &[KeyshareConfirmation]) -> bool {
        let cluster: Option<Cluster<Vec<(RawAccountId, SlotId)>>> =
            self.get(&storage::cluster_data(CLUSTER));
        let takes_keyshares = cluster.is_some_and(|cluster| cluster.cluster_type.takes_keyshares());
        if !(takes_keyshares && self.is_attested()) {
            return false;
        }
        for entry in batch {
            let KeyshareConfirmation { nft_id, kind, version, split, commitment } = *entry;
            let key = storage::confirmations(nft_id, kind, version, CLUSTER);
            let mut slots: SlotConfirmations<RawAccountId> = self.get(&key).unwrap_or_default();
            slots[self.slot as usize] =
                Some(SlotConfirmation { enclave: self.account, split, commitment });
            self.set(key, slots);
        }
        true
    }
}

impl Chain for Scripted {
    fn heads(&self) -> watch::Receiver<Option<Heads>> {
        self.heads.subscribe()
    }

    fn trouble(&self) -> Option<String> {
        self.state.lock().unwrap().unreachable.then(|| "scripted".into())
    }

    fn leave(&self) {}

    fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>> {
        let values = |storage: &Storage| keys.iter().map(|key| storage.get(key).cloned()).collect();
        let mut state = self.state.lock().unwrap();
        state.reads += 1;
        let read = match at {
            _ if state.unreachable => Err("scripted"),
            At::Best => Ok(values(&state.best)),
            At::Finalized(hash) => {
                let storage = state.finalized.get(&hash).cloned();
                // What cannot change is read while others read.
                drop(state);
                storage.map(|storage| values(&storage)).ok_or("unknown block")
            }
        };
        let read = read.map_err(|why| ChainError::Unreachable(why.into()));
        async move { read }.boxed()
    }

    fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> BoxFuture<'_, Result<Included, SubmitError>> {
        async move {
            assert_eq!(genesis_hash, GENESIS);
            let sent = Sent::decode(&call);
            assert!(at.number <= self.finalized());
            let block = self.finalized() + 1;
            let fate = {
                let mut state = self.state.lock().unwrap();
                // One transaction for each nonce.
                let nonce = state.included.iter().filter(|block| **block <= at.number).count();
                let is_usable = nonce == state.included.len();
                let fate = if is_usable { state.fate } else { Fate::Refused };
                if !matches!(fate, Fate::Refused | Fate::Hangs) {
                    state.included.push(block);
                }
                fate
            };
            if fate == Fate::Hangs {
                self.note(sent);
                return futures::future::pending().await;
            }
            if matches!(fate, Fate::Works | Fate::ReplyLost) {
                self.apply(&sent);
            }
            if fate != Fate::Refused {
                self.finalize(block);
            }
            self.note(sent);
            match fate {
                Fate::Works | Fate::FailsOnChain => {
                    let hash = Self::hash(block);
                    Ok(Included { block: Head { number: block, hash } })
                }
                Fate::ReplyLost => Err(SubmitError::Timeout),
                Fate::Refused | Fate::Hangs => Err(SubmitError::Refused("scripted".into())),
            }
        }
        .boxed()
    }
}

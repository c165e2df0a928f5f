// SPDX-License-Identifier: Apache-2.0
//! What the cells of the security table are tried in: an enclave over a scripted chain, on a disk in
//! memory. Each cell has an NFT of its own.

use std::collections::HashMap;

use tee_primitives::{attestation::LogHead, nft::NftData};

use super::{
    super::*,
    cells::Cell,
    dimensions::{Caller, Claim, Replay, Service, State, Stored},
    requests::{account_of, other_kind, route, Asking, Sent, PEOPLE, SPLIT, VALID_FOR},
};
use crate::{
    chain::{facts::Nft, scripted::attesting::VALIDITY},
    store::Held,
};

const KINDS: [KeyshareKind; 2] = [KeyshareKind::Secret, KeyshareKind::Capsule];

/// More than a world's store ever holds.
const ALL: usize = 10_000;

/// What the chain has of one kind of an NFT's content, and whether this enclave holds the share.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Phase {
    Without,
    Syncing,
    Synced,
    Updating,
    Elsewhere,
}

fn phases(state: State) -> [Phase; 2] {
    use Phase::*;
    match state {
        State::Absent | State::Plain => [Without; 2],
        State::SecretSyncing => [Syncing, Without],
        State::SecretSynced => [Synced, Without],
        State::CapsuleSyncing => [Without, Syncing],
        State::CapsuleSynced => [Without, Synced],
        State::HybridSyncing => [Syncing; 2],
        State::SecretAdded => [Syncing, Synced],
        State::CapsuleAdded => [Synced, Syncing],
        State::Updating => [Updating; 2],
        State::Elsewhere => [Elsewhere; 2],
        State::Burnt
        | State::HybridSynced
        | State::Listed
        | State::Delegated
        | State::Rented
        | State::RentOffered
        | State::RentOver => [Synced; 2],
    }
}

/// What a store holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Snapshot {
    pub(super) records: Vec<Held>,
    pub(super) outbox: Vec<(u64, RecordKey)>,
    pub(super) unsynced: Vec<(VersionKey, BlockNumber)>,
    pub(super) wanted: Vec<(VersionKey, BlockNumber)>,
    pub(super) log: LogHead,
}

/// An enclave, in one state of service.
pub(super) struct World {
    pub(super) enclave: Enclave,
    service: Service,
    next_nft_id: NftId,
    now: BlockNumber,
    /// The share of the synced version.
    synced: HashMap<(NftId, KeyshareKind), String>,
}

impl World {
    pub(super) async fn start(service: Service) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = Scripted::new(account_in(folder.path()).id());
        chain.assign(operator(), ClusterType::Public);
        // Another enclave of the cluster, whose operator is the cluster's first.
        chain.set(storage::enclave_account_operator(&account_of(Caller::Enclave)), [9u8; 32]);
        chain.set(storage::enclave_cluster_id(&[9; 32]), CLUSTER);
        if service != Service::Unknown {
            chain.finalize(100);
        }
        // What would wait for another block is decided at once.
        let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
        let setup = Setup {
            park,
            disk: Some(Disk::default()),
            is_filled: service != Service::Unfilled,
            ..Default::default()
        };
        let enclave = Enclave::open(folder, chain, setup);
        // Nothing is confirmed: blocks come when the cell says.
        enclave.tasks[CONFIRMING].abort();
        let (next_nft_id, synced) = (1, HashMap::new());
        let mut world = Self { enclave, service, next_nft_id, now: 100, synced };
        if service != Service::Unknown {
            world.enclave.sees(100).await;
            world.enter();
            world.go_on(1).await;
        }
        world
    }

    /// Makes the chain say of the enclave what the service is.
    fn enter(&self) {
        let Enclave { chain, own, .. } = &self.enclave;
        match self.service {
            Service::Public | Service::Unfilled | Service::Unknown | Service::Unreachable => (),
            Service::Private => chain.assign(operator(), ClusterType::Private),
            Service::Admin => chain.assign(operator(), ClusterType::Admin),
            Service::Disabled => chain.assign(operator(), ClusterType::Disabled),
            Service::Unassigned => chain.unassign(),
            Service::OtherOperator => chain.assign([0x77; 32], ClusterType::Public),
            Service::Unattested => chain.forget_attestation(),
            Service::Expired => chain.set_time(NOW + VALIDITY + 1),
            Service::Banned => chain.ban_platform(true),
            Service::Revoked => {
                chain.remove(&storage::allowed_measurement(&attesting::MEASUREMENT));
            }
            Service::Superseded => chain.attest(&Identity { session: [9; 32], ..*own }, 2),
            Service::AnotherAbi => chain.set(storage::enclave_abi(), ENCLAVE_ABI + 1),
            Service::AnotherRoot => chain.set_root(Some(b"another root")),
        }
    }

    /// So many blocks later everything that was set is final, and the enclave knows.
    async fn go_on(&mut self, blocks: BlockNumber) {
        if self.service == Service::Unknown {
            return;
        }
        self.now += blocks;
        self.enclave.chain.finalize(self.now);
        match self.service {
            Service::AnotherAbi | Service::AnotherRoot => {
                let mut outlook = self.enclave.context.outlook.clone();
                let not_understood = outlook.wait_for(|outlook| {
                    matches!(outlook, Outlook::AnotherAbi { .. } | Outlook::AnotherRoot { .. })
                });
                in_time(not_understood).await.unwrap();
            }
            _ => {
                self.enclave.sees(self.now).await;
            }
        }
    }

    /// The share of the synced version.
    pub(super) fn synced_share(&self, nft_id: NftId, kind: KeyshareKind) -> Option<&String> {
        self.synced.get(&(nft_id, kind))
    }

    pub(super) fn now(&self) -> BlockNumber {
        self.now
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let store = &self.enclave.context.store;
        Snapshot {
            records: store.held_after(None, ALL).unwrap(),
            outbox: store.outbox(ALL).unwrap(),
            unsynced: store.unsynced(None, ALL).unwrap(),
            wanted: store.wanted(None, ALL).unwrap(),
            log: store.log_head(),
        }
    }

    pub(super) async fn send(&self, sent: &Sent) -> Answer {
        let chain = &self.enclave.chain;
        chain.unreachable(self.service == Service::Unreachable);
        let answer = self.enclave.send(post(&sent.path, &sent.body)).await;
        chain.unreachable(false);
        answer
    }

    /// The same world with another enclave, which the same has happened to.
    pub(super) async fn other(&self, cell: &Cell, nft_id: NftId) -> Self {
        let mut other = Self::start(self.service).await;
        other.next_nft_id = nft_id;
        other.mint(cell.state, cell.stored).await;
        other.go_on(self.now - other.now).await;
        other
    }

    /// A new NFT in a state, whose shares were stored in this form.
    pub(super) async fn mint(&mut self, state: State, stored: Stored) -> NftId {
        let nft_id = self.next_nft_id;
        self.next_nft_id += 1;
        for (kind, phase) in KINDS.into_iter().zip(phases(state)) {
            let chain = self.enclave.chain.clone();
            match phase {
                Phase::Without => (),
                Phase::Syncing => chain.pending_of(kind, nft_id, 1),
                Phase::Synced => self.store_and_sync(kind, nft_id, 1, stored).await,
                Phase::Updating => {
                    self.store_and_sync(kind, nft_id, 1, stored).await;
                    chain.pending_of(kind, nft_id, 2);
                }
                Phase::Elsewhere => {
                    chain.pending_of(kind, nft_id, 1);
                    chain.sync_of(kind, nft_id, self.now, [0xaa; 32]);
                }
            }
        }
        self.write_nft(state, nft_id, account_of(Caller::Owner));
        let chain = &self.enclave.chain;
        let minted = if state == State::Absent { nft_id } else { nft_id + 1 };
        chain.set(storage::next_nft_id(), minted);
        let rentee = Some(account_of(Caller::Rentee));
        match state {
            State::Absent => chain.remove(&storage::nft(nft_id)),
            State::Burnt => self.burn(nft_id),
            State::Delegated => chain.delegate(nft_id, account_of(Caller::Delegatee)),
            State::Rented => chain.rent(nft_id, rentee, Some(self.now), 1000),
            State::RentOffered => chain.rent(nft_id, None, None, 1000),
            State::RentOver => chain.rent(nft_id, rentee, Some(self.now - 50), 51),
            _ => (),
        }
        self.go_on(1).await;
        nft_id
    }

    fn write_nft(&self, state: State, nft_id: NftId, owner: RawAccountId) {
        let [secret, capsule] = phases(state);
        let is_syncing = |phase| matches!(phase, Phase::Syncing | Phase::Updating);
        let nft: Nft = NftData {
            owner,
            creator: account_of(Caller::Creator),
            offchain_data: b"uri".to_vec(),
            collection_id: None,
            royalty: Default::default(),
            state: NftState {
                is_secret: secret != Phase::Without,
                is_syncing_secret: is_syncing(secret),
                is_capsule: capsule != Phase::Without,
                is_syncing_capsule: is_syncing(capsule),
                is_listed: state == State::Listed,
                is_delegated: state == State::Delegated,
                is_rented: matches!(state, State::Rented | State::RentOver),
                ..Default::default()
            },
        };
        self.enclave.chain.set(storage::nft(nft_id), nft);
    }

    fn burn(&self, nft_id: NftId) {
        let chain = &self.enclave.chain;
        chain.remove(&storage::nft(nft_id));
        for kind in KINDS {
            chain.remove(&storage::keyshares(nft_id, kind));
        }
    }

    /// A share that the former owner has stored, synced with the next block.
    async fn store_and_sync(
        &mut self,
        kind: KeyshareKind,
        nft_id: NftId,
        version: u32,
        stored: Stored,
    ) {
        let share = format!("the {kind:?} of version {version} of {nft_id}");
        let version = VersionKey { nft_id, kind, version };
        let key = RecordKey { version, split: [version.version as u8; 16] };
        let new = NewShare {
            key,
            share: Zeroizing::new(share.clone().into_bytes()),
            owner: account_of(Caller::FormerOwner),
            slot_id: SLOT,
            token_block: self.now,
            stored_at: self.now,
            time: NOW,
            is_bound: stored == Stored::Bound,
        };
        self.enclave.context.store.store(new).await.unwrap().unwrap();
        self.enclave.chain.pending_of(kind, nft_id, version.version);
        self.sync(&key);
        self.synced.insert((nft_id, kind), share);
    }

    /// With the next block this share is synced.
    fn sync(&self, key: &RecordKey) {
        let record = self.enclave.context.store.record(key).unwrap().unwrap();
        let VersionKey { nft_id, kind, .. } = key.version;
        let commitment = record.commitment(GENESIS, key);
        self.enclave.chain.sync_of(kind, nft_id, self.now, commitment);
    }

    /// The cell's request, before anything has happened.
    pub(super) fn request(&self, cell: &Cell, nft_id: NftId) -> Sent {
        Asking { enclave: &self.enclave, now: self.now, cell }.request(nft_id)
    }

    /// What happens between the first request and the one that the cell is about, which is returned.
    /// Which NFT that is about.
    pub(super) async fn repeat(
        &mut self,
        cell: &Cell,
        nft_id: NftId,
        first: Sent,
    ) -> (NftId, Sent) {
        let Cell { operation, claim, state, replay, .. } = *cell;
        let kind = operation.kind();
        let chain = self.enclave.chain.clone();
        let same = (nft_id, first);
        match replay {
            Replay::First | Replay::Again | Replay::OtherEnclave => return same,
            Replay::AfterSync => {
                let signer_address = same.1.body["signer_address"].as_str().unwrap();
                let split = match cell.form.is_bound() {
                    true => SPLIT,
                    false => split_of_signer(signer_address),
                };
                self.sync(&RecordKey { version: VersionKey { nft_id, kind, version: 1 }, split });
            }
            Replay::AfterOtherSync => chain.sync_of(kind, nft_id, self.now, [0xaa; 32]),
            Replay::AfterRestart => chain.pending_of(kind, nft_id, 2),
            Replay::AfterUpdate => self.store_and_sync(kind, nft_id, 2, cell.stored).await,
            Replay::AfterLoss => match claim {
                None | Some(Claim::Owner) => {
                    self.write_nft(state, nft_id, PEOPLE.buyer.public_key().0);
                }
                Some(Claim::Delegatee) => chain.remove(&storage::delegated_nft(nft_id)),
                Some(Claim::Rentee) => chain.remove(&storage::rent_contract(nft_id)),
            },
            Replay::AfterBurn => self.burn(nft_id),
            Replay::LastBlock => {
                self.go_on(VALID_FOR).await;
                return same;
            }
            Replay::AfterExpiry => {
                self.go_on(VALID_FOR + 1).await;
                return same;
            }
            Replay::OtherKind => {
                let (nft_id, Sent { path, body }) = same;
                let what = path.rsplit('/').next().unwrap();
                let what = if what == "set-keyshare" { "store-keyshare" } else { what };
                return (nft_id, Sent { path: route(other_kind(kind), what), body });
            }
            Replay::OtherNft => {
                let mut body = same.1.body;
                let nft_id = self.mint(state, cell.stored).await;
                let other = self.request(cell, nft_id).body;
                for field in ["data", "signature"] {
                    body[field] = other[field].clone();
                }
                return (nft_id, Sent { path: same.1.path, body });
            }
            Replay::AsRemoval => {
                let path = route(kind, "remove-keyshare");
                return (nft_id, Sent { path, body: same.1.body });
            }
            Replay::AsRetrieval => {
                let mut body = same.1.body;
                body["requester_type"] = json!("OWNER");
                return (nft_id, Sent { path: route(kind, "retrieve-keyshare"), body });
            }
        }
        self.go_on(1).await;
        same
    }
}

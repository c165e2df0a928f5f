// SPDX-License-Identifier: Apache-2.0
//! Compares the model with storage.

use std::{collections::BTreeMap, fmt::Debug};

use frame_support::traits::fungible::{Inspect, InspectHold};
use pallet_tee::{Holdings, MetricsServer, Migration, PlatformSlot, TeeStakingLedger};
use tee_primitives::{
    attestation::PlatformId,
    cluster::{Cluster, ClusterId, ClusterType, SlotId},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::{CollectionId, NftData, NftId},
};

use super::model::{machine, Caller, Contract, Keyshare, Model, Operator, Purse};
use crate::{
    configs::money::TreasuryAccount, tests::attested::facts_of, AccountId, Balances, Runtime,
    RuntimeCall,
};

/// Fails unless both are equal, and tells of what.
fn same<Value: Debug + PartialEq>(what: impl Debug, stored: Value, expected: Value) {
    assert!(stored == expected, "{what:?} is\n{stored:?}\nand ought to be\n{expected:?}");
}

/// Fails unless a map holds these keys and no others.
fn same_keys<Key: Debug + Ord>(
    what: &str,
    stored: impl Iterator<Item = Key>,
    expected: impl Iterator<Item = Key>,
) {
    let sorted = |keys: &mut dyn Iterator<Item = Key>| {
        let mut keys: Vec<_> = keys.collect();
        keys.sort();
        keys
    };
    let (mut stored, mut expected) = (stored, expected);
    same(what, sorted(&mut stored), sorted(&mut expected));
}

impl Model {
    /// Compares what a call is about, and what every call could change.
    pub fn compare_after(&self, caller: &Caller, call: &RuntimeCall) {
        self.compare_globals();
        self.compare_purse(&TreasuryAccount::get());
        if let Some(account) = caller.account() {
            self.compare_purse(account);
            self.compare_operator(account);
        }
        match call {
            RuntimeCall::NFT(call) => self.compare_after_nft(call),
            RuntimeCall::Rent(call) => self.compare_after_rent(call),
            RuntimeCall::TEE(call) => self.compare_after_tee(call),
            RuntimeCall::Mandate(pallet_mandate::Call::mandate { call }) => {
                self.compare_after(&Caller::Root, call);
            }
            _ => {}
        }
    }

    fn compare_after_nft(&self, call: &pallet_nft::Call<Runtime>) {
        use pallet_nft::Call;

        match call {
            Call::burn_nft { nft_id }
            | Call::transfer_nft { nft_id, .. }
            | Call::delegate_nft { nft_id, .. }
            | Call::set_royalty { nft_id, .. }
            | Call::add_secret { nft_id, .. }
            | Call::convert_to_capsule { nft_id, .. }
            | Call::set_capsule_offchaindata { nft_id, .. }
            | Call::notify_enclave_key_update { nft_id }
            | Call::revert_capsule { nft_id }
            | Call::restart_sync { nft_id, .. }
            | Call::cancel_sync { nft_id, .. } => self.compare_nft(*nft_id),
            Call::add_nft_to_collection { nft_id, collection_id } => {
                self.compare_nft(*nft_id);
                self.compare_collection(*collection_id);
            }
            Call::burn_collection { collection_id }
            | Call::close_collection { collection_id }
            | Call::limit_collection { collection_id, .. }
            | Call::set_collection_offchaindata { collection_id, .. } => {
                self.compare_collection(*collection_id);
            }
            _ => {
                self.compare_nft(self.next_nft.saturating_sub(1));
                self.compare_collection(self.next_collection - 1);
            }
        }
    }

    fn compare_after_rent(&self, call: &pallet_rent::Call<Runtime>) {
        use pallet_rent::Call;

        let (Call::create_contract { nft_id, .. }
        | Call::cancel_contract { nft_id }
        | Call::revoke_contract { nft_id }
        | Call::rent { nft_id, .. }
        | Call::make_rent_offer { nft_id, .. }
        | Call::accept_rent_offer { nft_id, .. }
        | Call::retract_rent_offer { nft_id }) = call
        else {
            return;
        };
        self.compare_nft(*nft_id);
        self.compare_contract(*nft_id);
        if let Some(contract) = self.contracts.get(nft_id) {
            self.compare_purse(&contract.terms.renter);
            if let Some(rentee) = &contract.terms.rentee {
                self.compare_purse(rentee);
            }
        }
    }

    fn compare_after_tee(&self, call: &pallet_tee::Call<Runtime>) {
        use pallet_tee::Call;

        match call {
            Call::assign_enclave { operator_address, cluster_id, .. } => {
                self.compare_operator(operator_address);
                self.compare_cluster(*cluster_id);
            }
            Call::remove_registration { operator_address }
            | Call::reject_update { operator_address }
            | Call::approve_enclave_unregistration { operator_address }
            | Call::force_remove_enclave { operator_address }
            | Call::approve_update_enclave { operator_address }
            | Call::force_update_enclave { operator_address, .. }
            | Call::complete_update { operator_address, .. } => {
                self.compare_operator(operator_address);
                self.compare_purse(operator_address);
            }
            Call::update_cluster { cluster_id, .. } | Call::remove_cluster { cluster_id } => {
                self.compare_cluster(*cluster_id);
            }
            Call::confirm_keyshares { batch } => {
                for entry in batch {
                    self.compare_nft(entry.nft_id);
                }
                self.clusters.keys().for_each(|cluster_id| self.compare_cluster(*cluster_id));
            }
            _ => self.compare_cluster(self.next_cluster.saturating_sub(1)),
        }
    }

    /// Compares all that there is.
    pub fn compare_all(&self) {
        self.compare_globals();
        self.purses.keys().for_each(|account| self.compare_purse(account));
        self.compare_all_nfts();
        self.compare_all_enclaves();
        for (index, entry) in (0..).zip(&self.syncs) {
            same(("sync", index), pallet_tee::SyncLog::<Runtime>::get(index), Some(*entry));
        }
    }

    fn compare_globals(&self) {
        same("NextNFTId", pallet_nft::NextNFTId::<Runtime>::get(), self.next_nft);
        let next_collection = pallet_nft::NextCollectionId::<Runtime>::get();
        same("NextCollectionId", next_collection, self.next_collection);
        same("NftMintFee", pallet_nft::NftMintFee::<Runtime>::get(), self.fees.nft);
        same("SecretNftMintFee", pallet_nft::SecretNftMintFee::<Runtime>::get(), self.fees.secret);
        same("CapsuleMintFee", pallet_nft::CapsuleMintFee::<Runtime>::get(), self.fees.capsule);
        same("NextClusterId", pallet_tee::NextClusterId::<Runtime>::get(), self.next_cluster);
        same("SyncCount", pallet_tee::SyncCount::<Runtime>::get(), self.syncs.len() as u64);
        same("StakingAmount", pallet_tee::StakingAmount::<Runtime>::get(), self.stake);
        let servers = self.metrics_servers.iter().map(|(account, cluster_type)| MetricsServer {
            metrics_server_address: account.clone(),
            supported_cluster_type: *cluster_type,
        });
        let stored = pallet_tee::MetricsServers::<Runtime>::get().into_inner();
        same("MetricsServers", stored, servers.collect());
        let validators = pallet_validator_set::Validators::<Runtime>::get().into_inner();
        same("Validators", validators, self.validators.clone());
        let everything: u128 = self.purses.values().map(Purse::total).sum();
        same("TotalIssuance", Balances::total_issuance(), everything);
    }

    fn compare_purse(&self, account: &AccountId) {
        let held = |reason| Balances::balance_on_hold(&reason, account);
        let stored = Purse {
            free: Balances::balance(account),
            staked: held(pallet_tee::HoldReason::OperatorStake.into()),
            renting_out: held(pallet_rent::HoldReason::RenterCancellationFee.into()),
            renting: held(pallet_rent::HoldReason::RenteeCancellationFee.into()),
        };
        let expected = self.purses.get(account).copied().unwrap_or_default();
        same(("purse", account), stored, expected);
    }

    fn compare_all_nfts(&self) {
        same_keys("Nfts", pallet_nft::Nfts::<Runtime>::iter_keys(), self.nfts.keys().copied());
        same_keys(
            "Collections",
            pallet_nft::Collections::<Runtime>::iter_keys(),
            self.collections.keys().copied(),
        );
        same_keys(
            "Contracts",
            pallet_rent::Contracts::<Runtime>::iter_keys(),
            self.contracts.keys().copied(),
        );
        same_keys(
            "LastVersions",
            pallet_tee::LastVersions::<Runtime>::iter_keys(),
            self.keyshares.keys().copied(),
        );
        same_keys(
            "Keyshares",
            pallet_tee::Keyshares::<Runtime>::iter_keys(),
            self.keyshares.iter().filter(|(_, keyshare)| keyshare.is_known()).map(|(of, _)| *of),
        );
        self.nfts.keys().for_each(|nft_id| self.compare_nft(*nft_id));
        self.collections.keys().for_each(|id| self.compare_collection(*id));
        self.contracts.keys().for_each(|nft_id| self.compare_contract(*nft_id));
    }

    fn compare_nft(&self, nft_id: NftId) {
        let found = self.nfts.get(&nft_id);
        let expected = found.map(|nft| NftData {
            owner: nft.owner.clone(),
            creator: nft.creator.clone(),
            offchain_data: nft.data.clone(),
            collection_id: nft.collection,
            royalty: nft.royalty,
            state: self.flags(nft_id, nft),
        });
        same(("NFT", nft_id), pallet_nft::Nfts::<Runtime>::get(nft_id), expected);
        same(
            ("delegation", nft_id),
            pallet_nft::DelegatedNFTs::<Runtime>::get(nft_id),
            found.and_then(|nft| nft.delegatee.clone()),
        );
        same(
            ("secret", nft_id),
            pallet_nft::SecretNftsOffchainData::<Runtime>::get(nft_id),
            found.and_then(|nft| nft.secret.clone()),
        );
        same(
            ("capsule", nft_id),
            pallet_nft::CapsuleOffchainData::<Runtime>::get(nft_id),
            found.and_then(|nft| nft.capsule.clone()),
        );
        for kind in [KeyshareKind::Secret, KeyshareKind::Capsule] {
            self.compare_keyshare(nft_id, kind);
        }
    }

    fn compare_keyshare(&self, nft_id: NftId, kind: KeyshareKind) {
        let Keyshare { last, synced, pending, confirmations } =
            self.keyshares.get(&(nft_id, kind)).cloned().unwrap_or_default();
        let of = ("keyshare", nft_id, kind);
        let stored = pallet_tee::Keyshares::<Runtime>::get(nft_id, kind);
        same(of, stored, KeyshareStatus { synced, pending });
        same(of, pallet_tee::LastVersions::<Runtime>::get(nft_id, kind), last);
        if let Some(pending) = pending {
            let version = (nft_id, kind, pending.version);
            let stored = pallet_tee::Confirmations::<Runtime>::iter_prefix(version);
            same(of, stored.collect::<BTreeMap<_, _>>(), confirmations);
        }
    }

    fn compare_collection(&self, collection_id: CollectionId) {
        let stored = pallet_nft::Collections::<Runtime>::get(collection_id);
        let expected = self.collections.get(&collection_id).map(|found| pallet_nft::Collection {
            owner: found.owner.clone(),
            offchain_data: found.data.clone(),
            nft_count: self.size_of(collection_id),
            limit: found.limit,
            is_closed: found.is_closed,
        });
        same(("collection", collection_id), stored, expected);
    }

    fn compare_contract(&self, nft_id: NftId) {
        let stored = pallet_rent::Contracts::<Runtime>::get(nft_id).map(|terms| {
            let offers = pallet_rent::Offers::<Runtime>::get(nft_id).unwrap_or_default();
            (terms, offers.into_inner())
        });
        let expected = self.contracts.get(&nft_id);
        let expected = expected.map(|Contract { terms, offers }| (terms.clone(), offers.clone()));
        same(("contract", nft_id), stored, expected);
    }

    fn compare_all_enclaves(&self) {
        let of = |has: fn(&Operator) -> bool| {
            let operators = self.operators.iter().filter(move |(_, operator)| has(operator));
            operators.map(|(account, _)| account.clone())
        };
        same_keys(
            "StakingLedger",
            pallet_tee::StakingLedger::<Runtime>::iter_keys(),
            of(|operator| operator.stake.is_some()),
        );
        same_keys(
            "EnclaveRegistrations",
            pallet_tee::EnclaveRegistrations::<Runtime>::iter_keys(),
            of(|operator| operator.registered.is_some()),
        );
        same_keys(
            "EnclaveData",
            pallet_tee::EnclaveData::<Runtime>::iter_keys(),
            of(|operator| operator.seat.is_some()),
        );
        same_keys(
            "EnclaveAccountOperator",
            pallet_tee::EnclaveAccountOperator::<Runtime>::iter(),
            self.seats()
                .map(|(operator, seat)| (seat.enclave.enclave_address.clone(), operator.clone())),
        );
        same_keys(
            "ClusterData",
            pallet_tee::ClusterData::<Runtime>::iter_keys(),
            self.clusters.keys().copied(),
        );
        self.operators.keys().for_each(|account| self.compare_operator(account));
        self.clusters.keys().for_each(|cluster_id| self.compare_cluster(*cluster_id));
        let stored: BTreeMap<_, _> = pallet_tee::PublicPlatforms::<Runtime>::iter().collect();
        same("PublicPlatforms", stored, self.public_platforms());
    }

    fn public_platforms(&self) -> BTreeMap<PlatformId, PlatformSlot> {
        let slots = self.public_machines.iter();
        let mut platforms: BTreeMap<_, _> = slots
            .map(|(platform, slot_id)| (*platform, PlatformSlot { slot_id: *slot_id, enclaves: 0 }))
            .collect();
        for enclave in self.public_seats().flat_map(|(_, seat)| seat.enclaves()) {
            platforms.get_mut(&machine(enclave)).expect("it serves in public").enclaves += 1;
        }
        platforms
    }

    fn compare_operator(&self, account: &AccountId) {
        let Operator { registered, seat, stake } =
            self.operators.get(account).cloned().unwrap_or_default();
        let of = ("operator", account);
        same(of, pallet_tee::EnclaveRegistrations::<Runtime>::get(account), registered);
        same(
            of,
            pallet_tee::StakingLedger::<Runtime>::get(account),
            stake.map(|stake| TeeStakingLedger {
                operator: account.clone(),
                staked_amount: stake.amount,
                is_unlocking: stake.unbonded_at.is_some(),
                unbonded_at: stake.unbonded_at.unwrap_or_default(),
            }),
        );
        let enclave = seat.as_ref().map(|seat| seat.enclave.clone());
        same(
            of,
            pallet_tee::EnclaveFacts::<Runtime>::get(account),
            enclave.as_ref().map(|enclave| facts_of(&enclave.enclave_address)),
        );
        same(of, pallet_tee::EnclaveData::<Runtime>::get(account), enclave);
        same(
            of,
            pallet_tee::EnclaveClusterId::<Runtime>::get(account),
            seat.as_ref().map(|seat| seat.cluster),
        );
        same(
            of,
            pallet_tee::EnclaveUnregistrations::<Runtime>::get(account),
            seat.as_ref().and_then(|seat| seat.leaving_since),
        );
        same(
            of,
            pallet_tee::EnclaveUpdates::<Runtime>::get(account),
            seat.as_ref().and_then(|seat| seat.update.clone()),
        );
        same(
            of,
            pallet_tee::Migrations::<Runtime>::get(account),
            seat.and_then(|seat| seat.migration).map(|(enclave, until)| Migration {
                facts: facts_of(&enclave.enclave_address),
                enclave,
                until,
            }),
        );
    }

    fn compare_cluster(&self, cluster_id: ClusterId) {
        let found = self.clusters.get(&cluster_id);
        let stored = pallet_tee::ClusterData::<Runtime>::get(cluster_id).map(|cluster| Cluster {
            enclaves: cluster.enclaves.into_inner(),
            cluster_type: cluster.cluster_type,
        });
        let expected = found.map(|cluster| {
            let seats = self.seats().filter(|(_, seat)| seat.cluster == cluster_id);
            let mut enclaves: Vec<(AccountId, SlotId)> =
                seats.map(|(operator, seat)| (operator.clone(), seat.slot)).collect();
            enclaves.sort_by_key(|(_, slot)| *slot);
            Cluster { enclaves, cluster_type: cluster.cluster_type }
        });
        same(("cluster", cluster_id), stored, expected);
        let before = found.filter(|cluster| cluster.cluster_type == ClusterType::Disabled);
        let before = before.map(|cluster| cluster.lasting_type);
        same(
            ("disabled cluster", cluster_id),
            pallet_tee::DisabledClusters::<Runtime>::get(cluster_id),
            before.filter(|before| *before != ClusterType::Disabled),
        );
        let holdings = found.filter(|cluster| cluster.has_confirmed).map(|_| Holdings {
            keyshares: self.held_by(cluster_id),
            synced_until: self.synced_until(cluster_id),
        });
        let stored = pallet_tee::ClusterHoldings::<Runtime>::try_get(cluster_id).ok();
        same(("holdings", cluster_id), stored, holdings);
    }
}

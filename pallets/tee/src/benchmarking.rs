// SPDX-License-Identifier: Apache-2.0
//! What each call costs at its worst: longest URIs, full clusters, approved successors in every
//! slot, and clusters that are disabled, because what those were is read from a second place.

use alloc::vec::Vec;

use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{Inspect, Mutate},
        EnsureOrigin, Get,
    },
    weights::{Weight, WeightMeter},
};
use frame_system::{Pallet as System, RawOrigin};
use sp_runtime::{traits::Saturating, DispatchError};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
    keyshare::{
        KeyshareConfirmation, KeyshareKind, SlotConfirmation, SlotConfirmations, Split,
        SyncLogEntry, SyncedKeyshare, MAX_CONFIRMATIONS,
    },
    traits::{AttestationFacts, Attestations, BenchmarkNfts, KeyshareRegistry},
};

use crate::{sweep::Found, *};

/// What every enclave confirms.
const SPLIT: Split = [1; 16];

/// Another splitting of the same keys.
const OTHER_SPLIT: Split = [2; 16];

fn operator_of<T: Config>(slot_id: SlotId) -> T::AccountId {
    account("operator", slot_id, 0)
}

fn enclave_of<T: Config>(slot_id: SlotId) -> T::AccountId {
    account("enclave", slot_id, 0)
}

fn successor_of<T: Config>(slot_id: SlotId) -> T::AccountId {
    account("successor", slot_id, 0)
}

fn longest_uri<T: Config>(filled_with: u8) -> UriOf<T> {
    let mut uri = b"https://".to_vec();
    uri.resize(T::MaxUriLen::get() as usize, filled_with);
    UriOf::<T>::truncate_from(uri)
}

fn metrics_server<T: Config>(index: u32) -> MetricsServerOf<T> {
    MetricsServer {
        metrics_server_address: account("metrics server", index, 0),
        supported_cluster_type: ClusterType::Public,
    }
}

/// Registers so many metrics servers.
fn add_metrics_servers<T: Config>(count: u32) -> DispatchResult {
    MetricsServers::<T>::kill();
    (0..count)
        .try_for_each(|index| Pallet::<T>::do_register_metrics_server(metrics_server::<T>(index)))
}

/// Gives an operator more than it bonds.
fn fund<T: Config>(operator: &T::AccountId) -> DispatchResult {
    let amount = StakingAmount::<T>::get()
        .saturating_add(T::Currency::minimum_balance())
        .saturating_mul(10u32.into());
    T::Currency::mint_into(operator, amount).map(|_| ())
}

/// Registers the enclave that is to have a slot.
fn register<T: Config>(slot_id: SlotId) -> DispatchResult {
    let operator = operator_of::<T>(slot_id);
    fund::<T>(&operator)?;
    Pallet::<T>::do_register_enclave(operator, enclave_of::<T>(slot_id), longest_uri::<T>(b'x'))
}

/// Registers the enclave that is to have a slot, and attests it.
fn register_attested<T: Config>(slot_id: SlotId) -> DispatchResult {
    register::<T>(slot_id)?;
    T::Attestations::attest(&enclave_of::<T>(slot_id), &operator_of::<T>(slot_id));
    Ok(())
}

fn new_cluster<T: Config>(cluster_type: ClusterType) -> Result<ClusterId, DispatchError> {
    let cluster_id = NextClusterId::<T>::get();
    Pallet::<T>::do_create_cluster(cluster_type)?;
    Ok(cluster_id)
}

/// A cluster with enclaves in its first slots.
fn cluster_of<T: Config>(
    members: u32,
    cluster_type: ClusterType,
) -> Result<ClusterId, DispatchError> {
    let cluster_id = new_cluster::<T>(cluster_type)?;
    for slot_id in 0..members {
        register_attested::<T>(slot_id)?;
        Pallet::<T>::do_assign_enclave(operator_of::<T>(slot_id), cluster_id, slot_id)?;
    }
    Ok(cluster_id)
}

/// The same with approved successors in all those slots, and disabled.
fn disabled_cluster<T: Config>(
    members: u32,
    before: ClusterType,
) -> Result<ClusterId, DispatchError> {
    let cluster_id = cluster_of::<T>(members, before)?;
    for slot_id in 0..members {
        approve_successor::<T>(slot_id)?;
    }
    Pallet::<T>::do_update_cluster(cluster_id, ClusterType::Disabled)?;
    Ok(cluster_id)
}

fn name_successor<T: Config>(slot_id: SlotId) -> DispatchResult {
    let (operator, successor) = (operator_of::<T>(slot_id), successor_of::<T>(slot_id));
    T::Attestations::attest(&successor, &operator);
    Pallet::<T>::do_update_enclave(operator, successor, longest_uri::<T>(b'y'))
}

/// Puts an operator's enclave with these facts into a slot, and names a successor for it.
pub(crate) fn seat_with_successor<T: Config>(
    successor: &T::AccountId,
    operator: &T::AccountId,
    facts: AttestationFacts,
) {
    let enclave_address = enclave_of::<T>(0);
    let cluster_id = NextClusterId::<T>::get();
    NextClusterId::<T>::put(cluster_id.saturating_add(1));
    let enclaves = MembersOf::<T>::truncate_from(Vec::from([(operator.clone(), 0)]));
    ClusterData::<T>::insert(
        cluster_id,
        ClusterOf::<T> { enclaves, cluster_type: ClusterType::Public },
    );
    EnclaveClusterId::<T>::insert(operator, cluster_id);
    EnclaveAccountOperator::<T>::insert(&enclave_address, operator);
    EnclaveData::<T>::insert(
        operator,
        EnclaveOf::<T> { enclave_address, api_uri: longest_uri::<T>(b'x') },
    );
    EnclaveFacts::<T>::insert(operator, facts);
    EnclaveUpdates::<T>::insert(
        operator,
        EnclaveOf::<T> { enclave_address: successor.clone(), api_uri: longest_uri::<T>(b'y') },
    );
}

fn approve_successor<T: Config>(slot_id: SlotId) -> DispatchResult {
    name_successor::<T>(slot_id)?;
    Pallet::<T>::do_approve_update(operator_of::<T>(slot_id))
}

/// The full cluster that is as costly as can be, whose last slot's operator has asked to leave.
fn last_operator_leaves<T: Config>() -> Result<T::AccountId, DispatchError> {
    disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
    let leaving = operator_of::<T>(CLUSTER_SIZE - 1);
    Pallet::<T>::do_unregister_enclave(leaving.clone())?;
    Ok(leaving)
}

fn confirmation<T: Config>(
    slot_id: SlotId,
    split: Split,
) -> Option<SlotConfirmation<T::AccountId>> {
    Some(SlotConfirmation { enclave: enclave_of::<T>(slot_id), split, commitment: [3; 32] })
}

/// What the slots of a cluster have confirmed. The first has taken part in another splitting.
fn confirmations<T: Config>(last: Split) -> SlotConfirmations<T::AccountId> {
    [
        confirmation::<T>(0, OTHER_SPLIT),
        confirmation::<T>(1, SPLIT),
        confirmation::<T>(2, SPLIT),
        confirmation::<T>(3, SPLIT),
        confirmation::<T>(4, last),
    ]
}

fn batch_of(versions: &[KeyshareVersion]) -> ConfirmationBatch {
    ConfirmationBatch::truncate_from(versions.iter().copied().map(entry_for).collect())
}

fn entry_for((nft_id, kind, version): KeyshareVersion) -> KeyshareConfirmation {
    KeyshareConfirmation { nft_id, kind, version, split: SPLIT, commitment: [4; 32] }
}

/// A pending version that the first slot's confirmation does not complete: the last slot has
/// confirmed another splitting.
fn incomplete<T: Config>(cluster_id: ClusterId) -> KeyshareVersion {
    let of = (T::BenchmarkNfts::create_pending(KeyshareKind::Secret), KeyshareKind::Secret, 1);
    Confirmations::<T>::insert(of, cluster_id, confirmations::<T>(OTHER_SPLIT));
    of
}

/// A pending version that the first slot's confirmation completes. The version before it is synced
/// in a cluster of its own.
fn to_complete<T: Config>(cluster_id: ClusterId, index: u32) -> KeyshareVersion {
    let nft_id = T::BenchmarkNfts::create_pending(KeyshareKind::Secret);
    let elsewhere = cluster_id.saturating_add(1).saturating_add(index);
    let first = (nft_id, KeyshareKind::Secret, 1);
    Pallet::<T>::note_synced(first, None::<SyncedKeyshare>, elsewhere, Default::default());
    Pallet::<T>::start(nft_id, KeyshareKind::Secret);
    let second = (nft_id, KeyshareKind::Secret, 2);
    Confirmations::<T>::insert(second, cluster_id, confirmations::<T>(SPLIT));
    second
}

fn governance<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

fn assert_last<T: Config>(event: Event<T>) {
    System::<T>::assert_last_event(event.into());
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register_enclave() -> Result<(), BenchmarkError> {
        let operator = operator_of::<T>(0);
        fund::<T>(&operator)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), enclave_of::<T>(0), longest_uri::<T>(b'x'));

        assert!(EnclaveRegistrations::<T>::contains_key(&operator));
        Ok(())
    }

    /// Of a registered enclave, which also frees the stake.
    #[benchmark]
    fn unregister_enclave() -> Result<(), BenchmarkError> {
        register::<T>(0)?;
        let operator = operator_of::<T>(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        assert!(!StakingLedger::<T>::contains_key(&operator));
        Ok(())
    }

    /// One that takes effect at once: another account on the same machine.
    #[benchmark]
    fn update_enclave() -> Result<(), BenchmarkError> {
        cluster_of::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let (operator, successor) = (operator_of::<T>(0), successor_of::<T>(0));
        let facts = EnclaveFacts::<T>::get(&operator).ok_or("the enclave is assigned")?;
        T::Attestations::attest_with(&successor, &operator, facts);
        let uri = longest_uri::<T>(b'y');

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), successor.clone(), uri.clone());

        let enclave = EnclaveOf::<T> { enclave_address: successor, api_uri: uri };
        assert_eq!(EnclaveData::<T>::get(operator), Some(enclave));
        Ok(())
    }

    #[benchmark]
    fn cancel_update() -> Result<(), BenchmarkError> {
        disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let operator_address = operator_of::<T>(CLUSTER_SIZE - 1);

        #[extrinsic_call]
        _(RawOrigin::Signed(operator_address.clone()));

        assert_last::<T>(Event::UpdateRequestCancelled { operator_address });
        Ok(())
    }

    #[benchmark]
    fn assign_enclave() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let slot_id = CLUSTER_SIZE - 1;
        let cluster_id = disabled_cluster::<T>(slot_id, ClusterType::Public)?;
        register_attested::<T>(slot_id)?;
        let operator_address = operator_of::<T>(slot_id);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator_address.clone(), cluster_id, slot_id);

        assert_last::<T>(Event::EnclaveAssigned { operator_address, cluster_id });
        Ok(())
    }

    #[benchmark]
    fn remove_registration() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        register::<T>(0)?;
        let operator = operator_of::<T>(0);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator.clone());

        assert!(!StakingLedger::<T>::contains_key(&operator));
        Ok(())
    }

    #[benchmark]
    fn reject_update() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let operator_address = operator_of::<T>(CLUSTER_SIZE - 1);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator_address.clone());

        assert_last::<T>(Event::UpdateRequestRemoved { operator_address });
        Ok(())
    }

    #[benchmark]
    fn approve_enclave_unregistration() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let operator_address = last_operator_leaves::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator_address.clone());

        assert_last::<T>(Event::EnclaveRemoved { operator_address });
        Ok(())
    }

    #[benchmark]
    fn force_remove_enclave() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let operator_address = last_operator_leaves::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator_address.clone());

        assert_last::<T>(Event::EnclaveRemoved { operator_address });
        Ok(())
    }

    #[benchmark]
    fn approve_update_enclave() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let slot_id = CLUSTER_SIZE - 1;
        let operator = operator_of::<T>(slot_id);
        Pallet::<T>::drop_update(&operator)?;
        name_successor::<T>(slot_id)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator.clone());

        assert!(Migrations::<T>::contains_key(&operator));
        Ok(())
    }

    /// One that also drops an approved successor.
    #[benchmark]
    fn force_update_enclave() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let operator = operator_of::<T>(CLUSTER_SIZE - 1);
        let forced: T::AccountId = account("forced", 0, 0);
        T::Attestations::attest(&forced, &operator);

        #[extrinsic_call]
        _(
            origin as T::RuntimeOrigin,
            operator.clone(),
            Some(forced.clone()),
            Some(longest_uri::<T>(b'z')),
        );

        assert_eq!(EnclaveAccountOperator::<T>::get(forced), Some(operator));
        Ok(())
    }

    #[benchmark]
    fn create_cluster() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let cluster_id = NextClusterId::<T>::get();
        let cluster_type = ClusterType::Public;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, cluster_type);

        assert_last::<T>(Event::ClusterAdded { cluster_id, cluster_type });
        Ok(())
    }

    /// A full cluster becomes public.
    #[benchmark]
    fn update_cluster() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let cluster_id = disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Private)?;
        let cluster_type = ClusterType::Public;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, cluster_id, cluster_type);

        assert_last::<T>(Event::ClusterUpdated { cluster_id, cluster_type });
        Ok(())
    }

    #[benchmark]
    fn remove_cluster() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let cluster_id = disabled_cluster::<T>(0, ClusterType::Public)?;
        ClusterHoldings::<T>::insert(cluster_id, Holdings { keyshares: 0, synced_until: 1 });

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, cluster_id);

        assert_last::<T>(Event::ClusterRemoved { cluster_id });
        Ok(())
    }

    #[benchmark]
    fn withdraw_unbonded() -> Result<(), BenchmarkError> {
        cluster_of::<T>(1, ClusterType::Public)?;
        let operator = operator_of::<T>(0);
        Pallet::<T>::do_remove_enclave(operator.clone())?;
        let now = System::<T>::block_number();
        System::<T>::set_block_number(now.saturating_add(T::TeeBondingDuration::get()));

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        assert!(!StakingLedger::<T>::contains_key(&operator));
        Ok(())
    }

    #[benchmark]
    fn register_metrics_server() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let last = T::ListSizeLimit::get().saturating_sub(1);
        add_metrics_servers::<T>(last)?;
        let metrics_server = metrics_server::<T>(last);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, metrics_server.clone());

        assert_last::<T>(Event::MetricsServerAdded { metrics_server });
        Ok(())
    }

    #[benchmark]
    fn unregister_metrics_server() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        add_metrics_servers::<T>(T::ListSizeLimit::get())?;
        let metrics_server_address = metrics_server::<T>(0).metrics_server_address;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, metrics_server_address.clone());

        assert_last::<T>(Event::MetricsServerRemoved { metrics_server_address });
        Ok(())
    }

    #[benchmark]
    fn force_update_metrics_server_type() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let servers = T::ListSizeLimit::get();
        add_metrics_servers::<T>(servers)?;
        let metrics_server_address =
            metrics_server::<T>(servers.saturating_sub(1)).metrics_server_address;
        let new_supported_cluster_type = ClusterType::Private;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, metrics_server_address.clone(), new_supported_cluster_type);

        assert_last::<T>(Event::MetricsServerTypeUpdated {
            metrics_server_address,
            new_supported_cluster_type,
        });
        Ok(())
    }

    #[benchmark]
    fn set_staking_amount() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let amount: BalanceOf<T> = 7u32.into();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, amount);

        assert_eq!(StakingAmount::<T>::get(), amount);
        Ok(())
    }

    #[benchmark]
    fn bond_extra() -> Result<(), BenchmarkError> {
        register::<T>(0)?;
        let operator = operator_of::<T>(0);
        let amount = StakingAmount::<T>::get().saturating_mul(2u32.into());
        StakingAmount::<T>::put(amount);

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        let staked = StakingLedger::<T>::get(operator).map(|ledger| ledger.staked_amount);
        assert_eq!(staked, Some(amount));
        Ok(())
    }

    #[benchmark]
    fn refund_excess() -> Result<(), BenchmarkError> {
        let amount = StakingAmount::<T>::get();
        StakingAmount::<T>::put(amount.saturating_mul(2u32.into()));
        register::<T>(0)?;
        StakingAmount::<T>::put(amount);
        let operator = operator_of::<T>(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        let staked = StakingLedger::<T>::get(operator).map(|ledger| ledger.staked_amount);
        assert_eq!(staked, Some(amount));
        Ok(())
    }

    /// Entries that take the place of an earlier one.
    #[benchmark]
    fn confirm_recorded(n: Linear<1, MAX_CONFIRMATIONS>) -> Result<(), BenchmarkError> {
        let cluster_id = cluster_of::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let versions: Vec<_> = (0..n).map(|_| incomplete::<T>(cluster_id)).collect();
        let batch = batch_of(&versions);

        #[extrinsic_call]
        confirm_keyshares(RawOrigin::Signed(enclave_of::<T>(0)), batch);

        for of in versions {
            let [first, ..] = Confirmations::<T>::get(of, cluster_id);
            assert_eq!(first.map(|latest| latest.split), Some(SPLIT));
        }
        Ok(())
    }

    /// Entries that complete a version which replaces one of another cluster.
    #[benchmark]
    fn confirm_synced(n: Linear<1, MAX_CONFIRMATIONS>) -> Result<(), BenchmarkError> {
        let cluster_id = cluster_of::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        let versions: Vec<_> = (0..n).map(|index| to_complete::<T>(cluster_id, index)).collect();
        let batch = batch_of(&versions);
        let before = SyncCount::<T>::get();

        #[extrinsic_call]
        confirm_keyshares(RawOrigin::Signed(enclave_of::<T>(0)), batch);

        assert_eq!(SyncCount::<T>::get(), before + u64::from(n));
        Ok(())
    }

    #[benchmark]
    fn complete_update() -> Result<(), BenchmarkError> {
        let cluster_id = disabled_cluster::<T>(CLUSTER_SIZE, ClusterType::Public)?;
        ClusterHoldings::<T>::insert(cluster_id, Holdings { keyshares: 1, synced_until: 1 });
        SyncCount::<T>::put(1);
        let slot_id = CLUSTER_SIZE - 1;
        let (operator, successor) = (operator_of::<T>(slot_id), successor_of::<T>(slot_id));

        #[extrinsic_call]
        _(RawOrigin::Signed(successor.clone()), operator.clone(), 1);

        assert_eq!(EnclaveAccountOperator::<T>::get(successor), Some(operator));
        Ok(())
    }

    #[benchmark]
    fn forget_platform() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        let platform = [7; 32];
        PublicPlatforms::<T>::insert(platform, PlatformSlot { slot_id: 1, enclaves: 0 });

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, platform);

        assert_last::<T>(Event::PlatformForgotten { platform, slot_id: 1 });
        Ok(())
    }

    /// Of an update, for which two places are looked at.
    #[benchmark]
    fn expect_enclave() -> Result<(), BenchmarkError> {
        let origin = governance::<T>()?;
        cluster_of::<T>(1, ClusterType::Public)?;
        name_successor::<T>(0)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, operator_of::<T>(0), successor_of::<T>(0));

        Ok(())
    }

    /// Reads the counts, and notes how far it came: past one version that left nothing behind.
    #[benchmark]
    fn sweep_begin() {
        let (nft_id, kind, version) = (0, KeyshareKind::Secret, 1);
        let entry = SyncLogEntry { nft_id, kind, version, cluster_id: 0, block_number: 0 };
        SyncLog::<T>::insert(0, entry);
        SyncCount::<T>::put(1);
        SweptCount::<T>::kill();

        #[block]
        {
            Pallet::<T>::sweep(Weight::MAX);
        }

        assert_eq!(SweptCount::<T>::get(), 1);
    }

    /// Takes a version from the queue, which costs more than to read one from the log.
    #[benchmark]
    fn sweep_version() {
        let version = (0, KeyshareKind::Secret, 1);
        SweepQueue::<T>::insert(version, ());

        #[block]
        {
            Pallet::<T>::sweep(Weight::MAX);
        }

        assert!(!SweepQueue::<T>::contains_key(version));
    }

    /// Finds and removes one value.
    #[benchmark]
    fn sweep_confirmation() {
        let version = (0, KeyshareKind::Secret, 1);
        Confirmations::<T>::insert(version, 0, confirmations::<T>(SPLIT));
        let mut found = Found { confirmations: Vec::new(), given_up: Vec::new(), swept: 0 };

        #[block]
        {
            Pallet::<T>::find_of(version, &mut WeightMeter::new(), &mut found);
            Pallet::<T>::remove_found(found);
        }

        assert!(!Confirmations::<T>::contains_key(version, 0));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::TestExt::new().build(), crate::mock::Test);
}

// SPDX-License-Identifier: Apache-2.0
//! Answers for people. Nothing of this is proven to whoever asks.

use alloc::vec::Vec;

use frame_support::traits::Get;
use sp_runtime::Saturating;
use tee_primitives::{
    cluster::{ClusterId, SlotId},
    keyshare::{KeyshareKind, Split},
    nft::NftId,
    traits::Attestations,
};

use crate::{
    ClusterData, Config, Confirmations, EnclaveData, EnclaveFacts, EnclaveRegistrations,
    EnclaveUnregistrations, EnclaveUpdates, Keyshares, Migrations, OperatorStatus,
    OperatorStatusOf, Pallet, Slot, SlotOf, StakingLedger,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn view_slots(cluster_id: ClusterId) -> Vec<SlotOf<T>> {
        let Some(cluster) = ClusterData::<T>::get(cluster_id) else { return Vec::new() };
        let now = frame_system::Pallet::<T>::block_number();
        cluster
            .enclaves
            .into_iter()
            .filter_map(|(operator, slot_id)| {
                let enclave = EnclaveData::<T>::get(&operator)?;
                let facts = EnclaveFacts::<T>::get(&operator)?;
                Some(Slot {
                    slot_id,
                    measurement: facts.measurement,
                    is_attested: T::Attestations::live(&enclave.enclave_address, &operator)
                        == Some(facts),
                    is_leaving: EnclaveUnregistrations::<T>::contains_key(&operator),
                    successor: Migrations::<T>::get(&operator)
                        .filter(|migration| now <= migration.until)
                        .map(|migration| migration.enclave.enclave_address),
                    enclave,
                    operator,
                })
            })
            .collect()
    }

    pub(crate) fn view_operator(operator: T::AccountId) -> OperatorStatusOf<T> {
        let ledger = StakingLedger::<T>::get(&operator);
        let place = Self::seat_of(&operator).map(|(place, _)| place);
        OperatorStatus {
            registered: EnclaveRegistrations::<T>::get(&operator),
            assigned: place.zip(EnclaveData::<T>::get(&operator)),
            update: EnclaveUpdates::<T>::get(&operator),
            migration: Migrations::<T>::get(&operator),
            stake: ledger.as_ref().map(|ledger| ledger.staked_amount),
            withdrawable_from: ledger
                .filter(|ledger| ledger.is_unlocking && place.is_none())
                .map(|ledger| ledger.unbonded_at.saturating_add(T::TeeBondingDuration::get())),
        }
    }

    pub(crate) fn view_confirmed_slots(
        nft_id: NftId,
        kind: KeyshareKind,
        cluster_id: ClusterId,
    ) -> Vec<(SlotId, Split)> {
        let Some(pending) = Keyshares::<T>::get(nft_id, kind).pending else { return Vec::new() };
        (0..)
            .zip(Confirmations::<T>::get((nft_id, kind, pending.version), cluster_id))
            .filter_map(|(slot_id, slot)| Some((slot_id, slot?.split)))
            .collect()
    }
}

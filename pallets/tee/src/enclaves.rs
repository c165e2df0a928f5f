// SPDX-License-Identifier: Apache-2.0
//! What this pallet tells pallet-attestation: which enclaves operators have named.

use alloc::vec::Vec;

use tee_primitives::{
    cluster::Enclave,
    traits::{Enclaves, Standing},
};

use crate::{
    Config, EnclaveAccountOperator, EnclaveData, EnclaveFacts, EnclaveOf, EnclaveRegistrations,
    EnclaveUpdates, Migrations, Pallet,
};

impl<T: Config> Pallet<T> {
    /// The enclave that an operator has named with this account: the one in the slot, the one that
    /// waits for governance, the successor, or the approved successor.
    fn named(account: &T::AccountId, operator: &T::AccountId) -> Option<EnclaveOf<T>> {
        let is_it = |enclave: &EnclaveOf<T>| enclave.enclave_address == *account;
        EnclaveData::<T>::get(operator)
            .filter(is_it)
            .or_else(|| EnclaveRegistrations::<T>::get(operator).filter(is_it))
            .or_else(|| EnclaveUpdates::<T>::get(operator).filter(is_it))
            .or_else(|| Migrations::<T>::get(operator).map(|it| it.enclave).filter(is_it))
    }
}

impl<T: Config> Enclaves<T::AccountId> for Pallet<T> {
    fn standing(account: &T::AccountId, operator: &T::AccountId) -> Option<Standing> {
        match EnclaveAccountOperator::<T>::get(account) {
            // Whose account serves one operator works for no other.
            Some(of) if of != *operator => None,
            Some(_) => EnclaveFacts::<T>::get(operator).map(Standing::Assigned),
            None => {
                // What governance has approved is what copies shares, and nothing else.
                let approved = Migrations::<T>::get(operator)
                    .filter(|migration| migration.enclave.enclave_address == *account);
                match approved {
                    Some(migration) => Some(Standing::Assigned(migration.facts)),
                    None => Self::named(account, operator).map(|_| Standing::Named),
                }
            }
        }
    }

    fn uri(account: &T::AccountId, operator: &T::AccountId) -> Option<Vec<u8>> {
        // An update of the URI alone names the same account; until it is approved the old one is
        // where the enclave is.
        Self::named(account, operator).map(|Enclave { api_uri, .. }| api_uri.into_inner())
    }

    fn attested(account: &T::AccountId, operator: &T::AccountId) {
        let successor = EnclaveUpdates::<T>::get(operator);
        if successor.is_some_and(|successor| successor.enclave_address == *account) {
            Self::succeed_on_same_machine(operator.clone());
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn name_successor(
        account: &T::AccountId,
        operator: &T::AccountId,
        facts: tee_primitives::traits::AttestationFacts,
    ) {
        crate::benchmarking::seat_with_successor::<T>(account, operator, facts);
    }
}

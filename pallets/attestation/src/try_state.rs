// SPDX-License-Identifier: Apache-2.0
//! What always holds.

use frame_support::ensure;
use sp_runtime::TryRuntimeError;

use crate::{Attestations, Config, Pallet, PckCrls, Policy, QeIdentity, Root, RootCrl, TcbInfos};

impl<T: Config> Pallet<T> {
    /// Checks all of it.
    ///
    /// Fails with a sentence about the first thing that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let root = Root::<T>::get().ok_or("there is no root")?;
        ensure!(tee_dcap::check_root(&root).is_ok(), "the root is not that of an authority");
        let has_more = PckCrls::<T>::iter_keys().next().is_some()
            || TcbInfos::<T>::iter_keys().next().is_some()
            || QeIdentity::<T>::exists();
        ensure!(
            !has_more || RootCrl::<T>::exists(),
            "collateral was taken without the root's list of revoked certificates"
        );
        for (fmspc, known) in TcbInfos::<T>::iter() {
            ensure!(known.current.fmspc == fmspc, "TCB levels stand under another platform type");
            if let Some(next) = known.next {
                ensure!(
                    next.document.fmspc == fmspc,
                    "TCB levels wait under another platform type"
                );
                ensure!(
                    next.document.evaluation_number > known.current.evaluation_number,
                    "TCB levels wait that are not of a higher evaluation"
                );
            }
        }
        if let Some(next) = QeIdentity::<T>::get().and_then(|known| known.next) {
            let current = QeIdentity::<T>::get().map(|known| known.current.evaluation_number);
            ensure!(
                current.is_some_and(|current| next.document.evaluation_number > current),
                "an identity waits that is not of a higher evaluation"
            );
        }
        let max_age = tee_primitives::attestation::tcb::MAX_PATCH_AGE;
        ensure!(Policy::<T>::get().max_patch_age <= max_age, "the policy is out of bounds");
        for (account, record) in Attestations::<T>::iter() {
            ensure!(account != record.operator, "an enclave is its own operator");
            ensure!(
                record.tcb.status != tee_primitives::attestation::tcb::TcbStatus::Revoked,
                "an attestation of a revoked platform was taken"
            );
        }
        Ok(())
    }
}

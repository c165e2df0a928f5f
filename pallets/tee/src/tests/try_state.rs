// SPDX-License-Identifier: Apache-2.0
//! The checks of the invariants find damage.

use crate::{mock::*, *};

/// An NFT whose secret is synced.
const SYNCED: u32 = 8;

/// A change that breaks an invariant, and the sentence that names it.
type Damage = (fn(), &'static str);

#[test]
fn try_state_finds_what_is_wrong() {
    let damages: [Damage; 11] = [
        (
            || {
                StakingLedger::<Test>::mutate_extant(operator(0, 0), |ledger| {
                    ledger.staked_amount += 1
                })
            },
            "what is held is what the ledger says",
        ),
        (
            || EnclaveData::<Test>::remove(operator(0, 0)),
            "an operator leads to its assigned enclave",
        ),
        (|| EnclaveClusterId::<Test>::remove(operator(0, 0)), "an assigned operator has a cluster"),
        (
            || {
                Keyshares::<Test>::mutate(SYNCED, SECRET, |status| {
                    status.synced.as_mut().unwrap().block_number += 1
                })
            },
            "what is synced is the newest entry of the sync log",
        ),
        (|| StakingLedger::<Test>::remove(operator(0, 0)), "who is assigned has bonded"),
        (
            || EnclaveAccountOperator::<Test>::remove(enclave(0, 0)),
            "an assigned enclave leads to its operator",
        ),
        (
            || {
                ClusterData::<Test>::mutate_extant(0, |cluster| {
                    cluster.enclaves.iter_mut().for_each(|(_, slot_id)| *slot_id = 1)
                })
            },
            "the members of a cluster are ordered by slot, and no slot is taken twice",
        ),
        (
            || Keyshares::<Test>::remove(NFT, SECRET),
            "a confirmation belongs to a version that is pending or waits for the sweep",
        ),
        (|| SyncCount::<Test>::put(2), "the sync log has no gap"),
        (
            || {
                Keyshares::<Test>::insert(
                    9,
                    SECRET,
                    tee_primitives::keyshare::KeyshareStatus::default(),
                )
            },
            "nothing is stored about no keyshares",
        ),
        (|| SweepQueue::<Test>::insert((NFT, SECRET, 1), ()), "a pending version is not swept"),
    ];
    for (damage, sentence) in damages {
        TestExt::new().clusters(1).execute_with(|| {
            start(NFT);
            confirm(NFT, 0, 0, [1; 16]);
            start(SYNCED);
            confirm_all(SYNCED, 0, 0..5, [1; 16]);
            TEE::do_try_state().unwrap();
            let found = frame_support::storage::with_transaction(|| {
                damage();
                let found = TEE::do_try_state();
                sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(found))
            });
            assert_eq!(found, Ok(Err(sp_runtime::DispatchError::Other(sentence))));
        });
    }
}

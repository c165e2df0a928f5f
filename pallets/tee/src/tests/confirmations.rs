// SPDX-License-Identifier: Apache-2.0
//! What counts, and when a version is synced.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchClass, GetDispatchInfo, Pays},
};
use tee_primitives::{
    cluster::{ClusterType, CLUSTER_SIZE},
    keyshare::{
        IgnoreReason, KeyshareConfirmation, KeyshareKind, KeyshareStatus, PendingKeyshare,
        SlotConfirmation, SyncedKeyshare, MAX_CONFIRMATIONS,
    },
    traits::KeyshareRegistry,
};

use crate::{mock::*, *};

fn ignored(by: u64, reason: IgnoreReason) -> Event<Test> {
    Event::ConfirmationIgnored { nft_id: NFT, kind: SECRET, version: 1, enclave: by, reason }
}

fn commitment(by: u64) -> [u8; 32] {
    entry(NFT, RED, by).commitment
}

#[test]
fn the_fifth_confirmation_syncs_in_its_own_block() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        assert_eq!(
            TEE::status(NFT, SECRET),
            KeyshareStatus {
                synced: None,
                pending: Some(PendingKeyshare { version: 1, since: 1 })
            }
        );
        confirm_all(NFT, 0, 0..4, RED);
        assert!(!is_synced(NFT));
        assert_eq!(Told::get(), []);
        events();

        System::set_block_number(9);
        confirm(NFT, 0, 4, RED);
        let by = enclave(0, 4);
        assert_eq!(
            events(),
            [
                Event::KeyshareConfirmed {
                    nft_id: NFT,
                    kind: SECRET,
                    version: 1,
                    cluster_id: 0,
                    slot_id: 4,
                    enclave: by,
                    split: RED,
                    commitment: commitment(by)
                },
                Event::KeyshareSynced { nft_id: NFT, kind: SECRET, version: 1, cluster_id: 0 },
            ]
        );
        assert_eq!(
            TEE::status(NFT, SECRET),
            KeyshareStatus {
                synced: Some(SyncedKeyshare {
                    version: 1,
                    cluster_id: 0,
                    block_number: 9,
                    commitments: [0, 1, 2, 3, 4].map(|slot| commitment(enclave(0, slot))),
                }),
                pending: None
            }
        );
        assert_eq!(Told::get(), [(NFT, SECRET)]);
    });
}

#[test]
fn any_order_of_slots_syncs() {
    for last in 0..CLUSTER_SIZE {
        TestExt::new().clusters(1).execute_with(|| {
            start(NFT);
            confirm_all(NFT, 0, (0..CLUSTER_SIZE).filter(|slot| *slot != last), RED);
            assert!(!is_synced(NFT));
            confirm(NFT, 0, last, RED);
            assert!(is_synced(NFT));
        });
    }
}

#[test]
fn mixed_splits_never_sync() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        confirm_all(NFT, 0, 3..5, BLUE);
        assert!(!is_synced(NFT));
        // However they are repeated.
        confirm_all(NFT, 0, 0..3, RED);
        confirm_all(NFT, 0, 3..5, BLUE);
        confirm(NFT, 0, 4, RED);
        confirm_all(NFT, 0, 0..4, BLUE);
        assert!(!is_synced(NFT));

        confirm(NFT, 0, 4, BLUE);
        assert!(is_synced(NFT));
    });
}

#[test]
fn every_mix_of_two_splits_waits() {
    for mix in 0u8..32 {
        TestExt::new().clusters(1).execute_with(|| {
            start(NFT);
            for slot_id in 0..CLUSTER_SIZE {
                confirm(NFT, 0, slot_id, if mix >> slot_id & 1 == 0 { RED } else { BLUE });
            }
            assert_eq!(is_synced(NFT), mix == 0 || mix == 31, "{mix:05b}");
        });
    }
}

#[test]
fn the_latest_confirmation_of_a_slot_counts() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm(NFT, 0, 0, RED);
        confirm(NFT, 0, 0, BLUE);
        let by = enclave(0, 0);
        let latest = SlotConfirmation { enclave: by, split: BLUE, commitment: commitment(by) };
        assert_eq!(
            Confirmations::<Test>::get((NFT, SECRET, 1), 0),
            [Some(latest), None, None, None, None]
        );
        confirm_all(NFT, 0, 1..5, BLUE);
        assert!(is_synced(NFT));
    });
}

#[test]
fn enclave_cannot_confirm_twice() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        let by = enclave(0, 0);
        for _ in 0..CLUSTER_SIZE {
            confirm(NFT, 0, 0, RED);
        }
        assert!(!is_synced(NFT));
        let events = events();
        assert!(matches!(events[0], Event::KeyshareConfirmed { .. }));
        assert_eq!(events[1..], vec![ignored(by, IgnoreReason::AlreadyConfirmed); 4]);
    });
}

#[test]
fn confirmations_of_a_removed_or_unattested_enclave_do_not_count() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        unattest(enclave(0, 1));
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));
    });
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        leave(0, 1);
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));
        assert_noop!(submit(enclave(0, 1), vec![entry(NFT, RED, 0)]), Error::<Test>::NotAssigned);
    });
}

#[test]
fn a_slots_former_account_does_not_count() {
    const SUCCESSOR: u64 = 99;
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        replace(0, 1, SUCCESSOR);
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));
        assert_noop!(
            submit(enclave(0, 1), vec![entry(NFT, RED, enclave(0, 1))]),
            Error::<Test>::NotAssigned
        );

        // The same share under the new account is another confirmation.
        assert_ok!(submit(SUCCESSOR, vec![entry(NFT, RED, enclave(0, 1))]));
        assert!(is_synced(NFT));
    });
}

#[test]
fn a_repeated_confirmation_completes_what_an_expired_attestation_held_up() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        unattest(enclave(0, 1));
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));

        attest(enclave(0, 1));
        confirm(NFT, 0, 3, RED);
        assert!(is_synced(NFT));
    });
}

#[test]
fn an_enclave_that_proves_other_code_or_another_machine_does_not_count() {
    let changes: [fn(u64); 3] = [
        |by| run(by, 2, CODE.1),
        |by| run(by, 1, CODE.1 + 1),
        |by| share_platform(by, OTHER_ENCLAVE),
    ];
    for change in changes {
        TestExt::new().clusters(1).execute_with(|| {
            let by = enclave(0, 1);
            start(NFT);
            confirm_all(NFT, 0, 0..4, RED);
            change(by);
            assert_noop!(submit(by, vec![entry(NFT, RED, by)]), Error::<Test>::NotAttested);
            // The others cannot complete with it, either.
            confirm(NFT, 0, 4, RED);
            assert!(!is_synced(NFT));

            Codes::set(&Default::default());
            Platforms::set(&Default::default());
            confirm(NFT, 0, 1, RED);
            assert!(is_synced(NFT));
        });
    }
}

#[test]
fn what_a_cluster_confirmed_counts_again_when_it_is_no_longer_disabled() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        set_type(0, ClusterType::Disabled);
        assert_noop!(submit(enclave(0, 4), vec![entry(NFT, RED, 4)]), Error::<Test>::NotAssigned);
        set_type(0, ClusterType::Public);
        confirm(NFT, 0, 4, RED);
        assert!(is_synced(NFT));
    });
}

#[test]
fn another_cluster_can_sync_the_same_nft_first() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        confirm_all(NFT, 1, 0..5, RED);
        assert_eq!(TEE::status(NFT, SECRET).synced.unwrap().cluster_id, 1);
        events();

        confirm(NFT, 0, 4, RED);
        assert_eq!(events(), [ignored(enclave(0, 4), IgnoreReason::NotPending)]);
        assert_eq!(SyncCount::<Test>::get(), 1);
    });
}

#[test]
fn two_clusters_never_complete_one_set() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        confirm_all(NFT, 1, 2..5, RED);
        assert!(!is_synced(NFT));
    });
}

#[test]
fn an_entry_for_what_is_not_pending_is_ignored() {
    TestExt::new().clusters(1).execute_with(|| {
        let by = enclave(0, 0);
        confirm(NFT, 0, 0, RED);
        assert_eq!(events(), [ignored(by, IgnoreReason::NotPending)]);

        start(NFT);
        let early = versioned(NFT, 2, RED, by);
        let capsule = KeyshareConfirmation { kind: KeyshareKind::Capsule, ..entry(NFT, RED, by) };
        assert_ok!(submit(by, vec![early, capsule, entry(NFT + 1, RED, by)]));
        let reasons: Vec<_> = events()
            .into_iter()
            .map(|event| match event {
                Event::ConfirmationIgnored { nft_id, kind, version, reason, .. } => {
                    (nft_id, kind, version, reason)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            reasons,
            [
                (NFT, SECRET, 2, IgnoreReason::VersionMismatch),
                (NFT, KeyshareKind::Capsule, 1, IgnoreReason::NotPending),
                (NFT + 1, SECRET, 1, IgnoreReason::NotPending),
            ]
        );
        assert_eq!(Confirmations::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_late_confirmation_of_a_superseded_or_removed_version_is_ignored() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        start(NFT);
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));
        assert_eq!(events().last(), Some(&ignored(enclave(0, 4), IgnoreReason::VersionMismatch)));

        TEE::remove(NFT, SECRET);
        confirm(NFT, 0, 4, RED);
        assert_eq!(events(), [ignored(enclave(0, 4), IgnoreReason::NotPending)]);
    });
}

#[test]
fn entries_are_independent() {
    TestExt::new().clusters(1).execute_with(|| {
        for nft_id in 0..3 {
            start(nft_id);
            confirm_all(nft_id, 0, 0..4, RED);
        }
        let by = enclave(0, 4);
        // One in the middle is unknown, one comes twice.
        let nfts = [0, 77, 1, 1, 2];
        assert_ok!(submit(by, nfts.map(|nft_id| entry(nft_id, RED, by)).to_vec()));
        assert!((0..3).all(is_synced));
        assert_eq!(Told::get(), [(0, SECRET), (1, SECRET), (2, SECRET)]);
        assert_eq!(SyncCount::<Test>::get(), 3);
    });
}

#[test]
fn a_full_batch_syncs_every_entry() {
    TestExt::new().clusters(1).execute_with(|| {
        (0..MAX_CONFIRMATIONS).for_each(start);
        for slot_id in 0..CLUSTER_SIZE {
            let by = enclave(0, slot_id);
            let batch = (0..MAX_CONFIRMATIONS).map(|nft_id| entry(nft_id, RED, by)).collect();
            assert_ok!(submit(by, batch));
        }
        assert!((0..MAX_CONFIRMATIONS).all(is_synced));
        assert_eq!(SyncCount::<Test>::get(), u64::from(MAX_CONFIRMATIONS));
    });
}

#[test]
fn the_call_fails_only_for_whom_it_is_not() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        let by = enclave(0, 0);
        assert_noop!(submit(by, vec![]), Error::<Test>::EmptyBatch);
        assert_noop!(submit(5, vec![entry(NFT, RED, by)]), Error::<Test>::NotAssigned);
        // An operator is not its enclave.
        assert_noop!(submit(operator(0, 0), vec![entry(NFT, RED, by)]), Error::<Test>::NotAssigned);
        unattest(by);
        assert_noop!(submit(by, vec![entry(NFT, RED, by)]), Error::<Test>::NotAttested);
    });
}

#[test]
fn only_public_and_private_clusters_take_keyshares() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        for cluster_type in [ClusterType::Disabled, ClusterType::Admin] {
            set_type(0, cluster_type);
            assert_noop!(
                submit(enclave(0, 0), vec![entry(NFT, RED, 0)]),
                Error::<Test>::NotAssigned
            );
        }
        set_type(0, ClusterType::Private);
        confirm_all(NFT, 0, 0..5, RED);
        assert!(is_synced(NFT));
    });
}

#[test]
fn a_confirmed_batch_is_free_and_a_stranger_pays() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        let by = enclave(0, 0);
        assert_eq!(pays(by, vec![entry(NFT, RED, by)]), Pays::No);
        // Also one that came to nothing: the enclave could not know.
        assert_eq!(pays(by, vec![entry(NFT, RED, by)]), Pays::No);

        assert_eq!(pays(5, vec![entry(NFT, RED, by)]), Pays::Yes);
        assert_eq!(pays(by, vec![]), Pays::Yes);
        unattest(by);
        assert_eq!(pays(by, vec![entry(NFT, RED, by)]), Pays::Yes);
    });
}

#[test]
fn a_batch_is_operational_and_its_weight_grows_by_the_entry() {
    let info = |entries: u32| {
        let batch: Vec<_> = (0..entries).map(|nft_id| entry(nft_id, RED, 0)).collect();
        RuntimeCall::TEE(Call::confirm_keyshares { batch: batch.try_into().unwrap() })
            .get_dispatch_info()
    };
    assert_eq!(info(1).class, DispatchClass::Operational);
    assert_eq!(info(1).pays_fee, Pays::Yes);
    let first = info(1).call_weight;
    let each = info(2).call_weight - first;
    assert!(each.ref_time() > 0);
    assert_eq!(
        info(MAX_CONFIRMATIONS).call_weight,
        first + each * u64::from(MAX_CONFIRMATIONS - 1)
    );
}

#[test]
fn what_did_not_sync_is_not_charged_as_a_sync() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        for slot_id in 0..CLUSTER_SIZE {
            let by = enclave(0, slot_id);
            let post = submit(by, vec![entry(NFT, RED, by)]).unwrap();
            let syncs = u32::from(slot_id == CLUSTER_SIZE - 1);
            assert_eq!(
                post.actual_weight,
                Some(<() as WeightInfo>::confirm_keyshares(1 - syncs, syncs))
            );
        }
        assert!(is_synced(NFT));
    });
}

// SPDX-License-Identifier: Apache-2.0
//! How another enclave takes over a slot.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::{extract_actual_pays_fee, GetDispatchInfo, Pays},
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
};
use sp_runtime::traits::Dispatchable;
use tee_primitives::{cluster::Enclave, traits::KeyshareRegistry};

use crate::{mock::*, *};

/// The operator whose enclave is replaced in these tests. Its slot is the third of cluster 0.
const OPERATOR: u64 = 1_002;
const SLOT: u32 = 2;

fn update(new_enclave_address: u64) -> DispatchResult {
    TEE::update_enclave(signed(OPERATOR), new_enclave_address, other_uri())
}

fn approve() -> DispatchResult {
    TEE::approve_update_enclave(root(), OPERATOR)
}

fn complete(by: u64, cursor: u64) -> DispatchResult {
    TEE::complete_update(signed(by), OPERATOR, cursor).map(|_| ()).map_err(|failed| failed.error)
}

fn force(enclave: Option<u64>, uri: Option<UriOf<Test>>) -> DispatchResult {
    TEE::force_update_enclave(root(), OPERATOR, enclave, uri)
}

fn updated(new_enclave_address: u64) -> Event<Test> {
    Event::EnclaveUpdated {
        operator_address: OPERATOR,
        new_enclave_address,
        new_api_uri: other_uri(),
    }
}

fn serving() -> u64 {
    EnclaveData::<Test>::get(OPERATOR).unwrap().enclave_address
}

fn machine_serves(account: u64) -> bool {
    PublicPlatforms::<Test>::get(platform(account)).is_some_and(|served| served.enclaves > 0)
}

#[test]
fn an_approved_successor_takes_over_when_it_holds_the_slots_shares() {
    TestExt::new().clusters(1).execute_with(|| {
        let old = enclave(0, SLOT);
        assert_eq!(operator(0, SLOT), OPERATOR);
        run(ENCLAVE, 2, 4);
        assert_ok!(update(ENCLAVE));
        assert_eq!(
            events(),
            [Event::MovedForUpdate {
                operator_address: OPERATOR,
                new_enclave_address: ENCLAVE,
                new_api_uri: other_uri()
            }]
        );

        System::set_block_number(10);
        assert_ok!(approve());
        assert_eq!(
            events(),
            [Event::MigrationStarted {
                operator_address: OPERATOR,
                new_enclave_address: ENCLAVE,
                until: 10 + MIGRATION
            }]
        );
        assert!(!EnclaveUpdates::<Test>::contains_key(OPERATOR));

        // The predecessor serves on.
        assert_eq!(serving(), old);
        start(NFT);
        confirm_all(NFT, 0, 0..5, RED);
        assert!(is_synced(NFT));
        assert_noop!(submit(ENCLAVE, vec![entry(NFT, RED, 1)]), Error::<Test>::NotAssigned);
        events();

        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::SuccessorIsBehind);
        assert_ok!(complete(ENCLAVE, 1));
        assert_eq!(events(), [updated(ENCLAVE)]);
        assert_eq!(
            EnclaveData::<Test>::get(OPERATOR),
            Some(Enclave { enclave_address: ENCLAVE, api_uri: other_uri() })
        );
        assert_eq!(EnclaveFacts::<Test>::get(OPERATOR).unwrap().measurement, [2; 32]);
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, SLOT)));
        assert_eq!(TEE::cluster_of(old), None);
        assert!(!machine_serves(old));
        assert_noop!(complete(ENCLAVE, 1), Error::<Test>::MigrationNotFound);
    });
}

#[test]
fn the_same_code_on_the_same_machine_takes_over_at_once() {
    TestExt::new().clusters(1).execute_with(|| {
        share_platform(ENCLAVE, enclave(0, SLOT));
        assert_ok!(update(ENCLAVE));
        assert_eq!(events()[1..], [updated(ENCLAVE)]);
        assert_eq!(serving(), ENCLAVE);
        assert!(!EnclaveUpdates::<Test>::contains_key(OPERATOR));
        assert_noop!(approve(), Error::<Test>::UpdateRequestNotFound);
    });
}

#[test]
fn it_takes_over_when_it_attests_if_it_was_named_before() {
    TestExt::new().clusters(1).execute_with(|| {
        share_platform(ENCLAVE, enclave(0, SLOT));
        unattest(ENCLAVE);
        assert_ok!(update(ENCLAVE));
        assert_eq!(serving(), enclave(0, SLOT));
        TEE::succeed_on_same_machine(OPERATOR);
        assert_eq!(serving(), enclave(0, SLOT));

        attest(ENCLAVE);
        events();
        TEE::succeed_on_same_machine(OPERATOR);
        assert_eq!(events(), [updated(ENCLAVE)]);
        assert_eq!(serving(), ENCLAVE);
        // There is nothing left to be done for it.
        TEE::succeed_on_same_machine(OPERATOR);
        assert_eq!(events(), []);
    });
}

#[test]
fn other_code_another_machine_or_an_attestation_for_another_waits_for_governance() {
    let differences: [fn(); 5] = [
        || run(ENCLAVE, 2, CODE.1),
        || run(ENCLAVE, 1, CODE.1 + 1),
        || share_platform(ENCLAVE, OTHER_ENCLAVE),
        || attest_for(ENCLAVE, BOB),
        || unattest(ENCLAVE),
    ];
    for difference in differences {
        TestExt::new().clusters(1).execute_with(|| {
            share_platform(ENCLAVE, enclave(0, SLOT));
            difference();
            assert_ok!(update(ENCLAVE));
            assert_eq!(serving(), enclave(0, SLOT));
            assert!(EnclaveUpdates::<Test>::contains_key(OPERATOR));
        });
    }
}

#[test]
fn a_successor_that_has_meanwhile_got_another_slot_stays_there() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        share_platform(ENCLAVE, enclave(0, SLOT));
        unattest(ENCLAVE);
        assert_ok!(update(ENCLAVE));
        attest(ENCLAVE);
        create_cluster(tee_primitives::cluster::ClusterType::Public);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(assign(ALICE, 1, SLOT));

        TEE::succeed_on_same_machine(OPERATOR);
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((1, SLOT)));
        assert_noop!(approve(), Error::<Test>::EnclaveAddressAlreadyExists);
        assert_noop!(force(Some(ENCLAVE), None), Error::<Test>::EnclaveAddressAlreadyExists);
        assert_ok!(TEE::cancel_update(signed(OPERATOR)));
    });
}

#[test]
fn only_the_uri_can_be_changed() {
    TestExt::new().clusters(1).execute_with(|| {
        let enclave = enclave(0, SLOT);
        let facts = EnclaveFacts::<Test>::get(OPERATOR);
        assert_ok!(update(enclave));
        assert_eq!(events()[1..], [updated(enclave)]);
        assert_eq!(EnclaveData::<Test>::get(OPERATOR).unwrap().api_uri, other_uri());

        // Of one whose attestation has expired, governance decides.
        unattest(enclave);
        assert_ok!(TEE::update_enclave(signed(OPERATOR), enclave, uri()));
        assert_eq!(EnclaveData::<Test>::get(OPERATOR).unwrap().api_uri, other_uri());
        assert_ok!(approve());
        assert_eq!(EnclaveData::<Test>::get(OPERATOR).unwrap().api_uri, uri());
        assert!(!Migrations::<Test>::contains_key(OPERATOR));
        assert_eq!(EnclaveFacts::<Test>::get(OPERATOR), facts);
        assert_eq!(TEE::cluster_of(enclave), Some((0, SLOT)));
    });
}

#[test]
fn a_bad_update_changes_nothing() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        assert_noop!(
            TEE::update_enclave(signed(ALICE), ENCLAVE, uri()),
            Error::<Test>::UpdateProhibitedForUnassignedEnclave
        );
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(
            TEE::update_enclave(signed(ALICE), ENCLAVE, uri()),
            Error::<Test>::UpdateProhibitedForUnassignedEnclave
        );
        assert_noop!(
            TEE::update_enclave(signed(OPERATOR), ENCLAVE, UriOf::<Test>::default()),
            Error::<Test>::ApiUriIsEmpty
        );
        let bad = UriOf::<Test>::try_from(b"enclave.example".to_vec()).unwrap();
        assert_noop!(
            TEE::update_enclave(signed(OPERATOR), ENCLAVE, bad.clone()),
            Error::<Test>::ApiUriIsInvalid
        );
        assert_noop!(update(OPERATOR), Error::<Test>::OperatorAndEnclaveAreSame);
        assert_noop!(update(enclave(0, 0)), Error::<Test>::EnclaveAddressAlreadyExists);

        assert_noop!(force(None, None), Error::<Test>::NoUpdatesProvided);
        assert_noop!(force(None, Some(bad)), Error::<Test>::ApiUriIsInvalid);
        assert_noop!(force(None, Some(UriOf::<Test>::default())), Error::<Test>::ApiUriIsEmpty);
        assert_noop!(force(Some(OPERATOR), None), Error::<Test>::OperatorAndEnclaveAreSame);
        assert_noop!(force(Some(enclave(0, 0)), None), Error::<Test>::EnclaveAddressAlreadyExists);
        assert_noop!(
            TEE::force_update_enclave(root(), ALICE, Some(ENCLAVE), None),
            Error::<Test>::EnclaveNotFound
        );
    });
}

#[test]
fn a_motion_approves_the_successor_its_voters_saw() {
    TestExt::new().clusters(1).execute_with(|| {
        let motion = || {
            with_storage_layer(|| {
                TEE::expect_enclave(root(), OPERATOR, ENCLAVE)?;
                approve()
            })
        };
        // The operator names one, the voters look at it, and the operator names another.
        assert_ok!(update(ENCLAVE));
        assert_ok!(TEE::cancel_update(signed(OPERATOR)));
        assert_noop!(motion(), Error::<Test>::AnotherEnclave);
        assert_ok!(update(OTHER_ENCLAVE));
        assert_noop!(motion(), Error::<Test>::AnotherEnclave);
        assert_ok!(TEE::cancel_update(signed(OPERATOR)));

        assert_ok!(update(ENCLAVE));
        assert_ok!(motion());
        assert_eq!(Migrations::<Test>::get(OPERATOR).unwrap().enclave.enclave_address, ENCLAVE);
        // From here on it waits for governance no longer.
        assert_noop!(motion(), Error::<Test>::AnotherEnclave);
    });
}

#[test]
fn an_operator_has_one_update_at_a_time() {
    TestExt::new().clusters(1).execute_with(|| {
        assert_ok!(update(ENCLAVE));
        assert_noop!(update(OTHER_ENCLAVE), Error::<Test>::UpdateRequestAlreadyExists);
        assert_ok!(approve());
        assert_noop!(update(OTHER_ENCLAVE), Error::<Test>::UpdateRequestAlreadyExists);
        assert_noop!(approve(), Error::<Test>::UpdateRequestNotFound);
    });
}

#[test]
fn an_update_is_taken_back_or_refused_before_and_after_its_approval() {
    for is_approved in [false, true] {
        TestExt::new().clusters(1).execute_with(|| {
            let begin = || {
                assert_ok!(update(ENCLAVE));
                if is_approved {
                    assert_ok!(approve());
                }
                events();
            };
            let nothing_is_left = || {
                assert!(!EnclaveUpdates::<Test>::contains_key(OPERATOR));
                assert!(!Migrations::<Test>::contains_key(OPERATOR));
                assert!(!machine_serves(ENCLAVE));
                assert_eq!(serving(), enclave(0, SLOT));
                assert_noop!(complete(ENCLAVE, 0), Error::<Test>::MigrationNotFound);
            };
            begin();
            assert_ok!(TEE::cancel_update(signed(OPERATOR)));
            assert_eq!(events(), [Event::UpdateRequestCancelled { operator_address: OPERATOR }]);
            nothing_is_left();

            begin();
            assert_ok!(TEE::reject_update(root(), OPERATOR));
            assert_eq!(events(), [Event::UpdateRequestRemoved { operator_address: OPERATOR }]);
            nothing_is_left();

            assert_noop!(
                TEE::cancel_update(signed(OPERATOR)),
                Error::<Test>::UpdateRequestNotFound
            );
            assert_noop!(
                TEE::reject_update(root(), OPERATOR),
                Error::<Test>::UpdateRequestNotFound
            );
        });
    }
}

#[test]
fn a_successor_is_attested_and_its_code_is_not_older() {
    TestExt::new().clusters(1).execute_with(|| {
        run(ENCLAVE, 2, CODE.1 - 1);
        assert_ok!(update(ENCLAVE));
        assert_noop!(approve(), Error::<Test>::SecurityVersionTooLow);
        assert_noop!(force(Some(ENCLAVE), None), Error::<Test>::SecurityVersionTooLow);
        unattest(ENCLAVE);
        assert_noop!(approve(), Error::<Test>::NotAttested);
        assert_noop!(force(Some(ENCLAVE), None), Error::<Test>::NotAttested);

        attest(ENCLAVE);
        run(ENCLAVE, 2, CODE.1);
        attest_for(ENCLAVE, BOB);
        assert_noop!(approve(), Error::<Test>::NotAttested);
        attest_for(ENCLAVE, OPERATOR);
        assert_ok!(approve());
    });
}

#[test]
fn only_the_approved_successor_in_its_time_and_as_it_was_takes_over() {
    TestExt::new().clusters(1).balance(BOB, RICH).execute_with(|| {
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::MigrationNotFound);
        assert_ok!(update(ENCLAVE));
        // It is named, and not approved.
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::MigrationNotFound);
        assert_ok!(approve());
        assert_noop!(complete(OTHER_ENCLAVE, 0), Error::<Test>::NotTheSuccessor);
        assert_noop!(complete(enclave(0, SLOT), 0), Error::<Test>::NotTheSuccessor);

        unattest(ENCLAVE);
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::NotAttested);
        attest(ENCLAVE);
        let changes: [fn(); 3] = [
            || run(ENCLAVE, 2, CODE.1),
            || run(ENCLAVE, 1, CODE.1 + 1),
            || share_platform(ENCLAVE, OTHER_ENCLAVE),
        ];
        let (codes, platforms) = (Codes::get(), Platforms::get());
        for change in changes {
            change();
            assert_noop!(complete(ENCLAVE, 0), Error::<Test>::AttestationChanged);
            Codes::set(&codes);
            Platforms::set(&platforms);
        }

        System::set_block_number(1 + MIGRATION + 1);
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::MigrationLapsed);
        System::set_block_number(1 + MIGRATION);
        assert_ok!(complete(ENCLAVE, 0));
    });
}

#[test]
fn a_lapsed_migration_can_be_dropped_and_begun_again() {
    TestExt::new().clusters(1).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        System::set_block_number(1 + MIGRATION + 1);
        assert_noop!(update(ENCLAVE), Error::<Test>::UpdateRequestAlreadyExists);
        assert_ok!(TEE::cancel_update(signed(OPERATOR)));
        migrate(0, SLOT, ENCLAVE);
        assert_ok!(complete(ENCLAVE, 0));
    });
}

#[test]
fn an_account_that_got_another_slot_while_it_copied_does_not_get_this_one() {
    TestExt::new().clusters(1).balance(BOB, RICH).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        create_cluster(tee_primitives::cluster::ClusterType::Public);
        assert_ok!(register_as(BOB, ENCLAVE));
        assert_ok!(assign(BOB, 1, SLOT));
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::EnclaveAddressAlreadyExists);
    });
}

#[test]
fn two_operators_can_name_the_same_account_and_one_gets_it() {
    TestExt::new().clusters(2).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        migrate(1, SLOT, ENCLAVE);
        attest_for(ENCLAVE, OPERATOR);
        let other = operator(1, SLOT);
        assert_noop!(TEE::complete_update(signed(ENCLAVE), other, 0), Error::<Test>::NotAttested);
        assert_ok!(complete(ENCLAVE, 0));
        assert_ok!(TEE::cancel_update(signed(other)));
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, SLOT)));
        assert_eq!(TEE::cluster_of(enclave(1, SLOT)), Some((1, SLOT)));
    });
}

#[test]
fn the_successors_cursor_passes_the_last_sync_of_its_own_cluster() {
    TestExt::new().clusters(2).execute_with(|| {
        for (nft_id, cluster_id) in [(0, 1), (1, 0), (2, 1)] {
            start(nft_id);
            sync(nft_id, cluster_id, 1);
        }
        migrate(0, SLOT, ENCLAVE);
        assert_noop!(complete(ENCLAVE, 1), Error::<Test>::SuccessorIsBehind);
        // What the other cluster synced after that can be copied from there at any time.
        assert_ok!(complete(ENCLAVE, 2));
    });
}

#[test]
fn a_cursor_past_the_log_is_refused() {
    TestExt::new().clusters(1).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        assert_noop!(complete(ENCLAVE, 1), Error::<Test>::CursorPastLog);
        start(NFT);
        sync(NFT, 0, 1);
        for cursor in [2, u64::MAX] {
            assert_noop!(complete(ENCLAVE, cursor), Error::<Test>::CursorPastLog);
        }
        assert_ok!(complete(ENCLAVE, 1));
    });
}

#[test]
fn a_sync_between_copying_and_taking_over_is_not_lost() {
    TestExt::new().clusters(1).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        start(NFT);
        sync(NFT, 0, 1);
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::SuccessorIsBehind);
        // It counts also when the chain no longer needs it: the cursor counts the log.
        TEE::remove(NFT, SECRET);
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::SuccessorIsBehind);
        assert_ok!(complete(ENCLAVE, 1));
    });
}

#[test]
fn the_predecessors_confirmation_no_longer_counts_and_the_successor_gives_its_own() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        migrate(0, SLOT, ENCLAVE);
        assert_ok!(complete(ENCLAVE, 0));
        confirm(NFT, 0, 4, RED);
        assert!(!is_synced(NFT));
        assert_ok!(submit(ENCLAVE, vec![entry(NFT, RED, enclave(0, SLOT))]));
        assert!(is_synced(NFT));
    });
}

#[test]
fn taking_over_is_free_and_failing_to_is_not() {
    TestExt::new().clusters(1).execute_with(|| {
        migrate(0, SLOT, ENCLAVE);
        let fee = |by, cursor| {
            let call = RuntimeCall::from(Call::<Test>::complete_update {
                operator_address: OPERATOR,
                cursor,
            });
            let info = call.get_dispatch_info();
            assert_eq!(info.pays_fee, Pays::Yes);
            extract_actual_pays_fee(&call.dispatch(signed(by)), &info)
        };
        assert_eq!(fee(OTHER_ENCLAVE, 0), Pays::Yes);
        assert_eq!(fee(ENCLAVE, 0), Pays::No);
        assert_eq!(fee(ENCLAVE, 0), Pays::Yes);
    });
}

#[test]
fn governance_replaces_an_enclave_or_its_uri_at_once() {
    TestExt::new().clusters(1).execute_with(|| {
        let old = enclave(0, SLOT);
        let forced = |new_enclave_address, new_api_uri| Event::EnclaveForceUpdated {
            operator_address: OPERATOR,
            new_enclave_address,
            new_api_uri,
        };
        assert_ok!(force(None, Some(other_uri())));
        assert_eq!(events(), [forced(None, Some(other_uri()))]);
        assert_eq!(
            EnclaveData::<Test>::get(OPERATOR),
            Some(Enclave { enclave_address: old, api_uri: other_uri() })
        );

        assert_ok!(force(Some(ENCLAVE), None));
        assert_eq!(events(), [forced(Some(ENCLAVE), None)]);
        assert_eq!(
            EnclaveData::<Test>::get(OPERATOR),
            Some(Enclave { enclave_address: ENCLAVE, api_uri: other_uri() })
        );
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, SLOT)));
        assert_eq!(TEE::cluster_of(old), None);
        assert!(!machine_serves(old));
        assert_eq!(EnclaveFacts::<Test>::get(OPERATOR).unwrap().platform, platform(ENCLAVE));

        // The account that it has already.
        assert_ok!(force(Some(ENCLAVE), Some(uri())));
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, SLOT)));
    });
}

#[test]
fn a_forced_update_drops_the_operators_own() {
    TestExt::new().clusters(1).execute_with(|| {
        assert_ok!(update(ENCLAVE));
        assert_ok!(force(None, Some(uri())));
        assert_noop!(approve(), Error::<Test>::UpdateRequestNotFound);

        migrate(0, SLOT, ENCLAVE);
        assert_ok!(force(Some(OTHER_ENCLAVE), None));
        assert_noop!(complete(ENCLAVE, 0), Error::<Test>::MigrationNotFound);
        assert!(!machine_serves(ENCLAVE));

        // Also to put the successor itself in, before it holds everything.
        migrate(0, SLOT, ENCLAVE);
        assert_ok!(force(Some(ENCLAVE), None));
        assert_eq!(serving(), ENCLAVE);
        assert!(!Migrations::<Test>::contains_key(OPERATOR));
    });
}

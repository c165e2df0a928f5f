// SPDX-License-Identifier: Apache-2.0
//! Operators: how they register and how they leave.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use sp_runtime::traits::BadOrigin;
use tee_primitives::cluster::ClusterType;

use crate::{mock::*, *};

fn two_operators() -> TestExt {
    TestExt::new().balance(ALICE, RICH).balance(BOB, RICH)
}

#[test]
fn registering_holds_the_stake_and_waits_for_governance() {
    two_operators().execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));

        assert_eq!(held(ALICE), STAKE);
        assert_eq!(Balances::balance(&ALICE), RICH - STAKE);
        assert_eq!(
            StakingLedger::<Test>::get(ALICE),
            Some(TeeStakingLedger {
                operator: ALICE,
                staked_amount: STAKE,
                is_unlocking: false,
                unbonded_at: 0
            })
        );
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE).unwrap().enclave_address, ENCLAVE);
        assert_eq!(EnclaveAccountOperator::<Test>::get(ENCLAVE), None);
        assert_eq!(
            events(),
            [
                Event::EnclaveAddedForRegistration {
                    operator_address: ALICE,
                    enclave_address: ENCLAVE,
                    api_uri: uri()
                },
                Event::Bonded { operator_address: ALICE, amount: STAKE },
            ]
        );
    });
}

#[test]
fn registering_reserves_nothing_for_the_enclave() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(register_as(BOB, ENCLAVE));

        assert_ok!(assign(BOB, 0, 0));
        assert_noop!(assign(ALICE, 0, 1), Error::<Test>::EnclaveAddressAlreadyExists);
        assert_ok!(TEE::remove_registration(root(), ALICE));
        assert_eq!(held(ALICE), 0);
    });
}

#[test]
fn a_bad_registration_changes_nothing() {
    two_operators().balance(3, STAKE - 1).execute_with(|| {
        create_cluster(ClusterType::Public);
        assert_noop!(
            TEE::register_enclave(signed(ALICE), ENCLAVE, UriOf::<Test>::default()),
            Error::<Test>::ApiUriIsEmpty
        );
        assert_noop!(register_as(ALICE, ALICE), Error::<Test>::OperatorAndEnclaveAreSame);
        assert_noop!(register_as(3, ENCLAVE), Error::<Test>::InsufficientBalanceToBond);
        assert_noop!(TEE::register_enclave(root(), ENCLAVE, uri()), BadOrigin);

        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::RegistrationAlreadyExists);
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::OperatorAlreadyExists);
        assert_noop!(register_as(BOB, ENCLAVE), Error::<Test>::EnclaveAddressAlreadyExists);
    });
}

#[test]
fn only_a_uri_that_a_request_can_be_made_to_is_taken() {
    two_operators().execute_with(|| {
        let register = |uri: &str| {
            let uri = uri.as_bytes().to_vec().try_into().unwrap();
            TEE::register_enclave(signed(ALICE), ENCLAVE, uri)
        };
        for bad in [
            "enclave.example",
            "ftp://enclave.example",
            "HTTPS://enclave.example",
            "https:/enclave.example",
            "https://",
            "https:///path",
            "https://:8000",
            "https://enclave example",
            "https://enclave.example\n",
            "https://enclave.example/\u{e9}",
            " https://enclave.example",
        ] {
            assert_noop!(register(bad), Error::<Test>::ApiUriIsInvalid);
        }
        for good in [
            "http://a",
            "https://enclave.example",
            "https://enclave.example:8000",
            "http://127.0.0.1:8000",
            "https://[::1]:8000",
        ] {
            assert_ok!(register(good));
            assert_ok!(TEE::unregister_enclave(signed(ALICE)));
        }
    });
}

#[test]
fn a_removed_registration_frees_the_stake() {
    two_operators().execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        // A stake is what the operator bonded, not what is asked of the next one.
        assert_ok!(TEE::set_staking_amount(root(), 2 * STAKE));
        events();

        assert_ok!(TEE::remove_registration(root(), ALICE));
        assert_eq!(Balances::balance(&ALICE), RICH);
        assert_eq!(held(ALICE), 0);
        assert_eq!(StakingLedger::<Test>::get(ALICE), None);
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE), None);
        assert_eq!(
            events(),
            [
                Event::RegistrationRemoved { operator_address: ALICE },
                Event::Withdrawn { operator_address: ALICE, amount: STAKE },
            ]
        );
        assert_noop!(TEE::remove_registration(root(), ALICE), Error::<Test>::RegistrationNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
    });
}

#[test]
fn who_waits_for_governance_leaves_at_once() {
    two_operators().execute_with(|| {
        assert_noop!(TEE::unregister_enclave(signed(ALICE)), Error::<Test>::RegistrationNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
        events();

        assert_ok!(TEE::unregister_enclave(signed(ALICE)));
        assert_eq!(Balances::balance(&ALICE), RICH);
        assert_eq!(
            events(),
            [
                Event::RegistrationRemoved { operator_address: ALICE },
                Event::Withdrawn { operator_address: ALICE, amount: STAKE },
            ]
        );
        assert_noop!(TEE::unregister_enclave(signed(ALICE)), Error::<Test>::RegistrationNotFound);
    });
}

#[test]
fn who_asks_to_leave_serves_until_governance_agrees() {
    TestExt::new().clusters(1).execute_with(|| {
        let leaving = operator(0, 2);
        start(NFT);
        assert_noop!(
            TEE::approve_enclave_unregistration(root(), leaving),
            Error::<Test>::UnregistrationNotFound
        );
        System::set_block_number(5);
        assert_ok!(TEE::unregister_enclave(signed(leaving)));
        assert_eq!(
            events(),
            [
                Event::MovedForUnregistration { operator_address: leaving },
                Event::Unbonded { operator_address: leaving, amount: STAKE },
            ]
        );
        assert_eq!(EnclaveUnregistrations::<Test>::get(leaving), Some(5));
        assert_noop!(
            TEE::unregister_enclave(signed(leaving)),
            Error::<Test>::UnregistrationAlreadyExists
        );
        confirm_all(NFT, 0, 0..5, RED);
        assert!(is_synced(NFT));
        events();

        assert_ok!(TEE::approve_enclave_unregistration(root(), leaving));
        // Its stake is already known to be on its way out.
        assert_eq!(events(), [Event::EnclaveRemoved { operator_address: leaving }]);
        assert_eq!(TEE::cluster_of(enclave(0, 2)), None);
        assert_noop!(
            TEE::approve_enclave_unregistration(root(), leaving),
            Error::<Test>::UnregistrationNotFound
        );
    });
}

#[test]
fn a_removed_enclave_leaves_nothing_but_its_operators_stake() {
    TestExt::new().clusters(1).execute_with(|| {
        let operator = operator(0, 1);
        assert_ok!(TEE::unregister_enclave(signed(operator)));
        migrate(0, 1, ENCLAVE);
        events();

        assert_ok!(TEE::force_remove_enclave(root(), operator));
        assert_eq!(events(), [Event::EnclaveRemoved { operator_address: operator }]);
        assert!(!EnclaveData::<Test>::contains_key(operator));
        assert!(!EnclaveAccountOperator::<Test>::contains_key(enclave(0, 1)));
        assert!(!EnclaveClusterId::<Test>::contains_key(operator));
        assert!(!EnclaveFacts::<Test>::contains_key(operator));
        assert!(!EnclaveUnregistrations::<Test>::contains_key(operator));
        assert!(!Migrations::<Test>::contains_key(operator));
        // Nor do its machines serve, though they keep their slot number.
        for machine in [platform(enclave(0, 1)), platform(ENCLAVE)] {
            let served = PlatformSlot { slot_id: 1, enclaves: 0 };
            assert_eq!(PublicPlatforms::<Test>::get(machine), Some(served));
        }
        let members = ClusterData::<Test>::get(0).unwrap().enclaves;
        assert!(members.iter().all(|(member, slot_id)| *member != operator && *slot_id != 1));
        assert_eq!(held(operator), STAKE);

        assert_noop!(TEE::force_remove_enclave(root(), operator), Error::<Test>::EnclaveNotFound);
        // Nobody takes over a slot that its operator no longer has.
        assert_noop!(
            TEE::complete_update(signed(ENCLAVE), operator, u64::MAX),
            Error::<Test>::MigrationNotFound
        );
    });
}

#[test]
fn an_update_that_governance_has_not_seen_goes_with_the_enclave() {
    TestExt::new().clusters(1).execute_with(|| {
        name_successor(0, 1, ENCLAVE);
        leave(0, 1);
        assert!(!EnclaveUpdates::<Test>::contains_key(operator(0, 1)));
    });
}

#[test]
fn governance_removes_an_enclave_unasked() {
    TestExt::new().clusters(1).execute_with(|| {
        let operator_address = operator(0, 1);
        assert_ok!(TEE::force_remove_enclave(root(), operator_address));
        assert_eq!(
            events(),
            [
                Event::Unbonded { operator_address, amount: STAKE },
                Event::EnclaveRemoved { operator_address },
            ]
        );
    });
}

#[test]
fn who_left_and_withdrew_can_come_back() {
    TestExt::new().clusters(1).execute_with(|| {
        leave(0, 3);
        System::set_block_number(1 + BONDING);
        assert_ok!(TEE::withdraw_unbonded(signed(operator(0, 3))));
        join(0, 3);
        assert_eq!(TEE::cluster_of(enclave(0, 3)), Some((0, 3)));
    });
}

// SPDX-License-Identifier: Apache-2.0
//! What people can ask.

use tee_primitives::cluster::Enclave;

use crate::{mock::*, *};

#[test]
fn an_enclaves_place_can_be_asked_for() {
    TestExt::new().clusters(2).execute_with(|| {
        assert_eq!(TEE::cluster_of(enclave(1, 3)), Some((1, 3)));
        assert_eq!(TEE::cluster_of(operator(1, 3)), None);
    });
}

#[test]
fn the_slots_of_a_cluster_tell_how_their_enclaves_are() {
    TestExt::new().clusters(2).execute_with(|| {
        leave(1, 4);
        unattest(enclave(1, 0));
        TEE::unregister_enclave(signed(operator(1, 1))).unwrap();
        migrate(1, 2, ENCLAVE);
        let slot = |slot_id| Slot {
            slot_id,
            operator: operator(1, slot_id),
            enclave: Enclave { enclave_address: enclave(1, slot_id), api_uri: uri() },
            measurement: CODE.0,
            is_attested: slot_id != 0,
            is_leaving: slot_id == 1,
            successor: (slot_id == 2).then_some(ENCLAVE),
        };
        assert_eq!(TEE::slots_of(1), [slot(0), slot(1), slot(2), slot(3)]);

        System::set_block_number(1 + MIGRATION + 1);
        assert_eq!(TEE::slots_of(1)[2], Slot { successor: None, ..slot(2) });
        assert_eq!(TEE::slots_of(2), []);
    });
}

#[test]
fn an_enclave_that_proves_other_code_than_was_assigned_is_shown_as_not_attested() {
    TestExt::new().clusters(1).execute_with(|| {
        run(enclave(0, 3), 2, CODE.1);
        let attested: Vec<_> = TEE::slots_of(0).iter().map(|slot| slot.is_attested).collect();
        assert_eq!(attested, [true, true, true, false, true]);
        assert_eq!(TEE::slots_of(0)[3].measurement, CODE.0);
    });
}

#[test]
fn an_operator_can_follow_its_enclave_and_its_stake() {
    TestExt::new().clusters(1).execute_with(|| {
        let who = operator(0, 0);
        let at = |enclave_address, api_uri| Enclave { enclave_address, api_uri };
        let nothing = OperatorStatus {
            registered: None,
            assigned: None,
            update: None,
            migration: None,
            stake: None,
            withdrawable_from: None,
        };
        assert_eq!(TEE::operator_status(ALICE), nothing);
        let assigned = OperatorStatus {
            assigned: Some(((0, 0), at(enclave(0, 0), uri()))),
            stake: Some(STAKE),
            ..nothing.clone()
        };
        assert_eq!(TEE::operator_status(who), assigned);

        name_successor(0, 0, ENCLAVE);
        assert_eq!(
            TEE::operator_status(who),
            OperatorStatus { update: Some(at(ENCLAVE, other_uri())), ..assigned.clone() }
        );
        TEE::approve_update_enclave(root(), who).unwrap();
        assert_eq!(
            TEE::operator_status(who),
            OperatorStatus { migration: Migrations::<Test>::get(who), ..assigned }
        );
        assert!(TEE::operator_status(who).migration.is_some());

        // When it leaves its slot is not known yet, and so neither is when its stake is free.
        TEE::unregister_enclave(signed(who)).unwrap();
        assert_eq!(TEE::operator_status(who).withdrawable_from, None);
        System::set_block_number(7);
        leave(0, 0);
        assert_eq!(
            TEE::operator_status(who),
            OperatorStatus {
                stake: Some(STAKE),
                withdrawable_from: Some(7 + BONDING),
                ..nothing.clone()
            }
        );

        System::set_block_number(7 + BONDING);
        TEE::withdraw_unbonded(signed(who)).unwrap();
        register(0, 0);
        assert_eq!(
            TEE::operator_status(who),
            OperatorStatus {
                registered: Some(at(enclave(0, 0), uri())),
                stake: Some(STAKE),
                ..nothing
            }
        );
    });
}

#[test]
fn the_status_of_keyshares_can_be_asked_for() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        assert_eq!(TEE::keyshare_status(NFT, SECRET), Keyshares::<Test>::get(NFT, SECRET));
        assert!(TEE::keyshare_status(NFT, SECRET).pending.is_some());
    });
}

#[test]
fn who_has_confirmed_a_pending_version_can_be_asked_for() {
    TestExt::new().clusters(2).execute_with(|| {
        assert_eq!(TEE::confirmed_slots(NFT, SECRET, 0), []);
        start(NFT);
        confirm(NFT, 0, 1, RED);
        confirm(NFT, 0, 3, BLUE);
        assert_eq!(TEE::confirmed_slots(NFT, SECRET, 0), [(1, RED), (3, BLUE)]);
        assert_eq!(TEE::confirmed_slots(NFT, SECRET, 1), []);
        // Those of the version before are not of interest.
        start(NFT);
        assert_eq!(TEE::confirmed_slots(NFT, SECRET, 0), []);
    });
}

// SPDX-License-Identifier: Apache-2.0
//! How a registered enclave gets its slot.

use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use sp_runtime::{DispatchError, TransactionOutcome};
use tee_primitives::{
    cluster::{ClusterType, CLUSTER_SIZE},
    traits::AttestationFacts,
};

use crate::{mock::*, *};

fn two_operators() -> TestExt {
    TestExt::new().balance(ALICE, RICH).balance(BOB, RICH)
}

#[test]
fn an_assigned_enclave_leads_to_its_place_and_back() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        assert_ok!(register_as(ALICE, ENCLAVE));
        events();

        assert_ok!(assign(ALICE, 0, 3));
        assert_eq!(events(), [Event::EnclaveAssigned { operator_address: ALICE, cluster_id: 0 }]);
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE), None);
        assert_eq!(EnclaveData::<Test>::get(ALICE).unwrap().enclave_address, ENCLAVE);
        assert_eq!(EnclaveAccountOperator::<Test>::get(ENCLAVE), Some(ALICE));
        assert_eq!(EnclaveClusterId::<Test>::get(ALICE), Some(0));
        assert_eq!(ClusterData::<Test>::get(0).unwrap().enclaves.into_inner(), [(ALICE, 3)]);
        assert_eq!(held(ALICE), STAKE);
        let (measurement, isv_svn) = CODE;
        assert_eq!(
            EnclaveFacts::<Test>::get(ALICE),
            Some(AttestationFacts { measurement, isv_svn, platform: platform(ENCLAVE) })
        );
    });
}

#[test]
fn members_are_ordered_by_slot_whatever_the_order_of_assignment() {
    let mut test = TestExt::new();
    for slot_id in 0..CLUSTER_SIZE {
        test = test.balance(operator(0, slot_id), RICH);
    }
    test.execute_with(|| {
        create_cluster(ClusterType::Public);
        for slot_id in [3, 0, 4, 1, 2] {
            join(0, slot_id);
        }
        let members: Vec<_> = (0..CLUSTER_SIZE).map(|slot| (operator(0, slot), slot)).collect();
        assert_eq!(ClusterData::<Test>::get(0).unwrap().enclaves.into_inner(), members);
    });
}

#[test]
fn a_freed_slot_is_taken_again_and_the_order_stays() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        leave(0, 2);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(assign(ALICE, 0, 1), Error::<Test>::SlotIsTaken);
        assert_ok!(assign(ALICE, 0, 2));
        let slots: Vec<_> = TEE::slots_of(0).into_iter().map(|slot| slot.operator).collect();
        assert_eq!(slots, [operator(0, 0), operator(0, 1), ALICE, operator(0, 3), operator(0, 4)]);
    });
}

#[test]
fn a_bad_assignment_changes_nothing() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        assert_noop!(assign(ALICE, 0, 0), Error::<Test>::RegistrationNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(register_as(BOB, OTHER_ENCLAVE));
        assert_noop!(assign(ALICE, 1, 0), Error::<Test>::ClusterNotFound);
        assert_noop!(assign(ALICE, 0, CLUSTER_SIZE), Error::<Test>::SlotIdOutOfRange);

        unattest(ENCLAVE);
        assert_noop!(assign(ALICE, 0, 0), Error::<Test>::NotAttested);
        attest(ENCLAVE);
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(assign(BOB, 0, 0), Error::<Test>::SlotIsTaken);
    });
}

#[test]
fn a_motion_approves_the_enclave_its_voters_saw() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        // As a batch of all or nothing.
        let motion = || {
            with_storage_layer(|| {
                TEE::expect_enclave(root(), ALICE, ENCLAVE)?;
                assign(ALICE, 0, 0)
            })
        };
        assert_noop!(motion(), Error::<Test>::AnotherEnclave);
        assert_ok!(register_as(ALICE, ENCLAVE));
        // The committee has looked and votes; meanwhile the operator names another.
        assert_ok!(TEE::unregister_enclave(signed(ALICE)));
        assert_ok!(register_as(ALICE, OTHER_ENCLAVE));
        assert_noop!(motion(), Error::<Test>::AnotherEnclave);
        // The assignment alone would have taken it.
        let taken = frame_support::storage::with_transaction(|| {
            let assigned = assign(ALICE, 0, 0);
            let taken = assigned.map(|()| TEE::cluster_of(OTHER_ENCLAVE));
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(taken))
        });
        assert_eq!(taken, Ok(Ok(Some((0, 0)))));

        assert_ok!(TEE::unregister_enclave(signed(ALICE)));
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(motion());
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, 0)));
    });
}

#[test]
fn a_full_cluster_takes_nobody() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        for slot_id in 0..CLUSTER_SIZE {
            assert_noop!(assign(ALICE, 0, slot_id), Error::<Test>::ClusterIsFull);
        }
    });
}

#[test]
fn an_operator_is_assigned_once() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        create_cluster(ClusterType::Public);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(assign(ALICE, 1, 0), Error::<Test>::RegistrationNotFound);
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::OperatorAlreadyExists);
        // Nor does governance drop the stake of an assigned operator.
        assert_noop!(TEE::remove_registration(root(), ALICE), Error::<Test>::RegistrationNotFound);
    });
}

#[test]
fn an_enclave_that_two_operators_name_is_the_one_it_has_attested_for() {
    two_operators().execute_with(|| {
        create_cluster(ClusterType::Public);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(register_as(BOB, ENCLAVE));
        attest_for(ENCLAVE, BOB);

        assert_noop!(assign(ALICE, 0, 0), Error::<Test>::NotAttested);
        assert_ok!(assign(BOB, 0, 0));
        assert_eq!(EnclaveAccountOperator::<Test>::get(ENCLAVE), Some(BOB));
    });
}

#[test]
fn any_type_of_cluster_can_be_filled() {
    for cluster_type in [ClusterType::Disabled, ClusterType::Admin, ClusterType::Private] {
        two_operators().execute_with(|| {
            create_cluster(cluster_type);
            assert_ok!(register_as(ALICE, ENCLAVE));
            assert_ok!(assign(ALICE, 0, 0));
            assert_eq!(PublicPlatforms::<Test>::iter().count(), 0);
        });
    }
}

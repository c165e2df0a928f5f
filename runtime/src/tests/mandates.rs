// SPDX-License-Identifier: Apache-2.0
//! What no majority of the committee can do.

use frame_support::traits::Contains;
use sp_runtime::traits::Dispatchable;

use super::*;
use crate::mandate_filter::Mandatable;

fn forbidden() -> [RuntimeCall; 7] {
    [
        frame_system::Call::set_code { code: vec![] }.into(),
        frame_system::Call::set_storage { items: vec![] }.into(),
        frame_system::Call::kill_storage { keys: vec![] }.into(),
        frame_system::Call::kill_prefix { prefix: vec![], subkeys: 0 }.into(),
        frame_system::Call::set_code_without_checks { code: vec![] }.into(),
        frame_system::Call::authorize_upgrade_without_checks { code_hash: Hash::zero() }.into(),
        pallet_grandpa::Call::note_stalled { delay: 1, best_finalized_block_number: 1 }.into(),
    ]
}

fn wrappers(call: &RuntimeCall) -> Vec<RuntimeCall> {
    let boxed = || Box::new(call.clone());
    let harmless: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
    let root = Box::new(OriginCaller::system(frame_system::RawOrigin::Root));
    vec![
        pallet_utility::Call::batch { calls: vec![harmless.clone(), call.clone()] }.into(),
        pallet_utility::Call::batch_all { calls: vec![harmless.clone(), call.clone()] }.into(),
        pallet_utility::Call::force_batch { calls: vec![call.clone()] }.into(),
        pallet_utility::Call::as_derivative { index: 0, call: boxed() }.into(),
        pallet_utility::Call::dispatch_as { as_origin: root.clone(), call: boxed() }.into(),
        pallet_utility::Call::dispatch_as_fallible { as_origin: root, call: boxed() }.into(),
        pallet_utility::Call::with_weight { call: boxed(), weight: Default::default() }.into(),
        pallet_utility::Call::if_else { main: Box::new(harmless.clone()), fallback: boxed() }
            .into(),
        pallet_utility::Call::if_else { main: boxed(), fallback: Box::new(harmless) }.into(),
        pallet_mandate::Call::mandate { call: boxed() }.into(),
        pallet_collective::Call::<Runtime, pallet_collective::Instance1>::execute {
            proposal: boxed(),
            length_bound: 0,
        }
        .into(),
        pallet_collective::Call::<Runtime, pallet_collective::Instance1>::propose {
            threshold: 1,
            proposal: boxed(),
            length_bound: 0,
        }
        .into(),
    ]
}

#[test]
fn forbidden_calls_are_refused_however_deeply_wrapped() {
    for call in forbidden() {
        assert!(!Mandatable::contains(&call));
        for wrapped in wrappers(&call) {
            assert!(!Mandatable::contains(&wrapped), "{wrapped:?}");
            for twice in wrappers(&wrapped) {
                assert!(!Mandatable::contains(&twice), "{twice:?}");
            }
        }
    }
}

#[test]
fn harmless_calls_pass_wrapped_or_not() {
    let call: RuntimeCall =
        frame_system::Call::authorize_upgrade { code_hash: Hash::zero() }.into();
    assert!(Mandatable::contains(&call));
    for wrapped in wrappers(&call) {
        assert!(Mandatable::contains(&wrapped), "{wrapped:?}");
    }
}

/// The origin of a motion that this many of the three members approved.
fn approved_by(votes: u32) -> RuntimeOrigin {
    pallet_collective::RawOrigin::<AccountId, pallet_collective::Instance1>::Members(votes, 3)
        .into()
}

#[test]
fn one_member_of_three_mandates_nothing() {
    development().execute_with(|| {
        let call: RuntimeCall = frame_system::Call::set_heap_pages { pages: 9 }.into();
        let mandate: RuntimeCall = pallet_mandate::Call::mandate { call: Box::new(call) }.into();
        assert!(mandate.clone().dispatch(approved_by(1)).is_err());
        assert_ok!(mandate.dispatch(approved_by(2)));
        System::assert_last_event(pallet_mandate::Event::RootOp { result: Ok(()) }.into());
    });
}

#[test]
fn a_prime_member_cannot_vote_for_the_absent() {
    use pallet_collective::Instance1;

    development().execute_with(|| {
        let members = [Alice, Bob, Charlie].map(|member| member.to_account_id());
        let prime = members[0].clone();
        assert_ok!(TechnicalCommittee::set_members(
            RuntimeOrigin::root(),
            members.to_vec(),
            Some(prime.clone()),
            3
        ));
        let call: RuntimeCall = pallet_tee::Call::create_cluster {
            cluster_type: tee_primitives::cluster::ClusterType::Public,
        }
        .into();
        let length = call.encoded_size() as u32;
        let by = RuntimeOrigin::signed(prime);
        let hash = <Runtime as frame_system::Config>::Hashing::hash_of(&call);
        assert_ok!(TechnicalCommittee::propose(by.clone(), 2, Box::new(call), length));
        assert_ok!(TechnicalCommittee::vote(by.clone(), hash, 0, true));
        System::set_block_number(1 + timing::MotionDuration::get() + 1);
        let weight = frame_support::weights::Weight::MAX;
        assert_ok!(TechnicalCommittee::close(by, hash, 0, weight, length));
        System::assert_has_event(
            pallet_collective::Event::<Runtime, Instance1>::Disapproved { proposal_hash: hash }
                .into(),
        );
    });
}

#[test]
fn all_members_together_cannot_kill_storage() {
    development().execute_with(|| {
        let call: RuntimeCall =
            frame_system::Call::kill_prefix { prefix: vec![], subkeys: u32::MAX }.into();
        assert_noop!(
            Mandate::mandate(approved_by(3), Box::new(call)),
            pallet_mandate::Error::<Runtime>::CallNotAllowed
        );
    });
}

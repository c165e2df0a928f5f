// SPDX-License-Identifier: Apache-2.0
//! What always holds is noticed when it does not.

use frame_support::assert_ok;
use tee_simulator::DEVELOPMENT_FMSPC;

use crate::{mock::*, Attestations, Policy, QeIdentity, Root, RootCrl, TcbInfos, Waiting};

/// Fails with a message that contains this.
fn broken_by(change: impl FnOnce(), message: &str) {
    new_chain().execute_with(|| {
        submit_all(&collateral_of(START - 3_600));
        assert_ok!(Enclave::new(1).attest());
        assert_ok!(Attestation::do_try_state());
        change();
        let error = Attestation::do_try_state().unwrap_err();
        assert!(format!("{error:?}").contains(message), "{error:?}");
    });
}

#[test]
fn the_root_is_there_and_an_authoritys() {
    broken_by(Root::<Test>::kill, "no root");
    broken_by(|| Root::<Test>::put(crate::RootCertificate::default()), "not that of an authority");
}

#[test]
fn nothing_was_taken_without_the_roots_list() {
    broken_by(RootCrl::<Test>::kill, "without the root's list");
}

#[test]
fn documents_stand_where_they_belong() {
    broken_by(
        || {
            let info = TcbInfos::<Test>::get(DEVELOPMENT_FMSPC).unwrap();
            TcbInfos::<Test>::insert([0; 6], info);
        },
        "under another platform type",
    );
    broken_by(
        || {
            TcbInfos::<Test>::mutate_extant(DEVELOPMENT_FMSPC, |known| {
                let document = known.current.clone();
                known.next = Some(Waiting { document, acts_from: 1 });
            })
        },
        "not of a higher evaluation",
    );
    broken_by(
        || {
            let mut known = QeIdentity::<Test>::get().unwrap();
            known.next = Some(Waiting { document: known.current.clone(), acts_from: 1 });
            QeIdentity::<Test>::put(known);
        },
        "not of a higher evaluation",
    );
}

#[test]
fn policies_are_within_bounds() {
    broken_by(|| Policy::<Test>::mutate(|policy| policy.max_patch_age = u64::MAX), "out of bounds");
}

#[test]
fn attestations_are_what_can_be_taken() {
    let change = |change: fn(&mut tee_primitives::attestation::record::AttestationRecord<_>)| {
        Attestations::<Test>::mutate_extant(Enclave::new(1).account(), change)
    };
    broken_by(
        || {
            change(|record| {
                record.tcb.status = tee_primitives::attestation::tcb::TcbStatus::Revoked
            })
        },
        "revoked",
    );
    broken_by(|| change(|record| record.operator = Enclave::new(1).account()), "own operator");
}

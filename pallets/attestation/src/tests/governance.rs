// SPDX-License-Identifier: Apache-2.0
//! What governance decides, and that it acts at once.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;
use tee_primitives::attestation::tcb::{TcbPolicy, MAX_PATCH_AGE};

use crate::{mock::*, Attestations, Error, Event};

fn allow(by: RuntimeOrigin) -> frame_support::pallet_prelude::DispatchResult {
    let code = OTHER_CODE;
    Attestation::allow_measurement(by, code.mr_enclave, code.mr_signer, code.isv_prod_id, 0)
}

#[test]
fn a_measurement_counts_after_the_delay() {
    run(|| {
        let mut enclave = Enclave::new(1);
        enclave.code = OTHER_CODE;
        assert_noop!(enclave.attest(), Error::<Test>::MeasurementNotAllowed);
        assert_noop!(allow(anybody()), DispatchError::BadOrigin);
        assert_ok!(allow(RuntimeOrigin::root()));
        let (mr_enclave, acts_from) = (OTHER_CODE.mr_enclave, FIRST + DELAY);
        assert_eq!(events(), [Event::MeasurementAllowed { mr_enclave, acts_from }]);
        assert_noop!(allow(RuntimeOrigin::root()), Error::<Test>::MeasurementAlreadyAllowed);
        for _ in 1..DELAY {
            pass(1);
            assert_noop!(enclave.attest(), Error::<Test>::MeasurementNotYetAllowed);
        }
        pass(1);
        assert_ok!(enclave.attest());
    });
}

#[test]
fn a_revoked_measurement_ends_what_is_live() {
    run(|| {
        let enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        let revoke = |by| Attestation::revoke_measurement(by, CODE.mr_enclave);
        assert_noop!(revoke(anybody()), DispatchError::BadOrigin);
        events();
        assert_ok!(revoke(RuntimeOrigin::root()));
        assert_eq!(events(), [Event::MeasurementRevoked { mr_enclave: CODE.mr_enclave }]);
        assert!(!enclave.is_live());
        assert_noop!(revoke(RuntimeOrigin::root()), Error::<Test>::MeasurementNotAllowed);
        pass(60);
        assert_noop!(enclave.attest(), Error::<Test>::MeasurementNotAllowed);
    });
}

#[test]
fn a_banned_machine_ends_what_is_live() {
    run(|| {
        let enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        let platform = Attestations::<Test>::get(enclave.account()).unwrap().facts.platform;
        let (root, ban, unban) =
            (RuntimeOrigin::root, Attestation::ban_platform, Attestation::unban_platform);
        assert_noop!(ban(anybody(), platform), DispatchError::BadOrigin);
        assert_noop!(unban(anybody(), platform), DispatchError::BadOrigin);
        assert_noop!(unban(root(), platform), Error::<Test>::PlatformNotBanned);
        events();
        assert_ok!(ban(root(), platform));
        assert_eq!(events(), [Event::PlatformBanned { platform }]);
        assert_noop!(ban(root(), platform), Error::<Test>::PlatformAlreadyBanned);
        assert!(!enclave.is_live());
        pass(60);
        assert_noop!(enclave.attest(), Error::<Test>::PlatformIsBanned);

        assert_ok!(unban(root(), platform));
        assert_eq!(events(), [Event::PlatformUnbanned { platform }]);
        assert!(enclave.is_live());
    });
}

/// Other systems have switches for attestation. Here no policy takes everything.
#[test]
fn no_policy_turns_a_check_off() {
    run(|| {
        let policy = |max_patch_age| TcbPolicy { max_patch_age, ..TcbPolicy::default() };
        let set = |policy| Attestation::set_policy(RuntimeOrigin::root(), policy);
        assert_noop!(set(policy(MAX_PATCH_AGE + 1)), Error::<Test>::PolicyOutOfBounds);
        assert_noop!(
            Attestation::set_policy(anybody(), TcbPolicy::default()),
            DispatchError::BadOrigin
        );
        assert_ok!(set(policy(MAX_PATCH_AGE)));
        assert_eq!(events(), [Event::PolicySet { policy: policy(MAX_PATCH_AGE) }]);
    });
}

/// A policy acts on what is live.
#[test]
fn a_stricter_policy_ends_what_is_live() {
    run(|| {
        let enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        let number = Attestations::<Test>::get(enclave.account()).unwrap().tcb.evaluation_number;
        let policy = |min| TcbPolicy { min_evaluation_number: min, ..TcbPolicy::default() };
        assert_ok!(Attestation::set_policy(RuntimeOrigin::root(), policy(number + 1)));
        assert!(!enclave.is_live());
        assert_ok!(Attestation::set_policy(RuntimeOrigin::root(), policy(number)));
        assert!(enclave.is_live());
    });
}

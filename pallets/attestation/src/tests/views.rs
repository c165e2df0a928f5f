// SPDX-License-Identifier: Apache-2.0
//! What people are shown.

use frame_support::assert_ok;
use tee_primitives::attestation::{
    collateral::{CollateralId, PckCa},
    record::NotLive,
};
use tee_simulator::{CollateralOptions, DEVELOPMENT_FMSPC};

use crate::mock::*;

#[test]
fn why_an_attestation_does_not_count_is_shown() {
    run(|| {
        let enclave = Enclave::new(1);
        let shown = || Attestation::attestation_of(enclave.account()).map(|it| it.not_live);
        assert_eq!(shown(), None);
        assert_ok!(enclave.attest());
        assert_eq!(shown(), Some(None));
        assert_ok!(Attestation::revoke_measurement(RuntimeOrigin::root(), CODE.mr_enclave));
        assert_eq!(shown(), Some(Some(NotLive::MeasurementNotAllowed)));
        pass(VALIDITY);
        assert_eq!(shown(), Some(Some(NotLive::Expired)));
    });
}

#[test]
fn all_collateral_is_shown_with_what_waits() {
    run(|| {
        let number = CollateralOptions::new(START).evaluation_number;
        let options =
            CollateralOptions { evaluation_number: number + 1, ..CollateralOptions::new(START) };
        let [.., tcb_info, _] = items(&authority().collateral(&options));
        assert_ok!(submit(tcb_info));
        let shown = Attestation::collateral();
        let ids: Vec<_> = shown.iter().map(|status| status.id).collect();
        assert_eq!(
            ids,
            [
                CollateralId::RootCrl,
                CollateralId::PckCrl(PckCa::Processor),
                CollateralId::QeIdentity,
                CollateralId::TcbInfo(DEVELOPMENT_FMSPC),
            ]
        );
        let waiting: Vec<_> = shown.iter().map(|status| status.waiting).collect();
        assert_eq!(waiting, [None, None, None, Some((number + 1, START + GRACE))]);
        let numbers: Vec<_> = shown.iter().map(|status| status.evaluation_number).collect();
        assert_eq!(numbers, [0, 0, number, number]);
    });
}

#[test]
fn measurements_and_the_root_are_shown() {
    run(|| {
        let shown = Attestation::measurements();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].0, CODE.mr_enclave);
        assert_eq!(
            Attestation::root_fingerprint(),
            Some(sp_io::hashing::sha2_256(authority().root_der()))
        );
    });
}

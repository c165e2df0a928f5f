// SPDX-License-Identifier: Apache-2.0
//! Attesting: what is taken, and every way in which it is refused.

use frame_support::{assert_noop, assert_ok};
use sp_core::{sr25519, Pair};
use sp_runtime::AccountId32;
use tee_primitives::{
    attestation::{
        tcb::{TcbPolicy, TcbStatus as Status},
        PeerRole, Purpose,
    },
    traits::AttestationFacts,
};
use tee_simulator::{Authority, CollateralOptions, EnclaveIdentity};

use crate::{mock::*, Attestations, Error, Event};

#[test]
fn an_attestation_is_kept_and_told() {
    run(|| {
        let enclave = Enclave::new(1);
        let payload = enclave.payload();
        assert!(!enclave.is_live());

        assert!(is_free(enclave.attest()));

        let record = Attestations::<Test>::get(enclave.account()).unwrap();
        assert_eq!(record.operator, enclave.operator);
        assert_eq!(record.facts.measurement, CODE.mr_enclave);
        assert_eq!(record.facts.isv_svn, CODE.isv_svn);
        assert_eq!(record.tcb.status, Status::UpToDate);
        assert_eq!(record.session, payload.session);
        assert_eq!(record.encryption_key, payload.encryption_key);
        assert_eq!(record.quote_block, payload.block_number);
        assert_eq!(record.attested_at, START);
        assert_eq!(record.expires_at, START + VALIDITY);
        assert!(enclave.is_live());
        assert_eq!(Told::get(), [(enclave.account(), enclave.operator.clone())]);
        assert_eq!(
            events(),
            [Event::Attested {
                account: enclave.account(),
                operator: enclave.operator,
                facts: record.facts,
                tcb_status: Status::UpToDate,
                expires_at: START + VALIDITY,
            }]
        );
    });
}

#[test]
fn an_attestation_expires_and_is_renewed() {
    run(|| {
        let enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        pass(VALIDITY - 1);
        assert!(enclave.is_live());
        pass(1);
        assert!(!enclave.is_live());
        assert_ok!(enclave.attest());
        assert!(enclave.is_live());
    });
}

#[test]
fn an_attestation_does_not_outlive_the_collateral_that_judged_it() {
    run(|| {
        let enclave = Enclave::new(1);
        pass(30 * DAY - 3_600 - 60);
        assert_ok!(enclave.attest());
        let record = Attestations::<Test>::get(enclave.account()).unwrap();
        assert!(record.expires_at <= now() + 60);
        pass(61);
        assert!(!enclave.is_live());
        assert_noop!(enclave.attest(), Error::<Test>::CrlExpired);

        submit_all(&collateral_of(now()));
        assert_ok!(enclave.attest());
        assert!(enclave.is_live());
    });
}

#[test]
fn only_what_was_due_is_free() {
    run(|| {
        let enclave = Enclave::new(1);
        assert!(is_free(enclave.attest()));
        pass(60);
        assert!(!is_free(enclave.attest()), "nothing of its time has passed");
        pass(60);
        let mut payload = enclave.payload();
        payload.session = [5; 32];
        assert!(!is_free(enclave.attest_with(payload)), "it was started anew, again and again");
        pass(3_600);
        payload = enclave.payload();
        payload.session = [6; 32];
        assert!(is_free(enclave.attest_with(payload)), "it was started anew");
        pass(3_600);
        payload = enclave.payload();
        payload.session = [5; 32];
        payload.encryption_key = [6; 32];
        assert!(is_free(enclave.attest_with(payload)), "it has another key");
        pass(3_600);
        payload.tls_spki_hash = [7; 32];
        payload = tee_primitives::attestation::AttestationPayload {
            block_number: enclave.payload().block_number,
            block_hash: enclave.payload().block_hash,
            ..payload
        };
        assert!(is_free(enclave.attest_with(payload)), "it has another certificate");
        pass(VALIDITY / 2 + 1);
        payload = tee_primitives::attestation::AttestationPayload {
            block_number: enclave.payload().block_number,
            block_hash: enclave.payload().block_hash,
            ..payload
        };
        assert!(is_free(enclave.attest_with(payload)), "half of its time has passed");
    });
}

/// Otherwise anybody could repeat the attestations of all enclaves for free, as long as collateral is
/// about to expire.
#[test]
fn what_lasts_no_longer_is_not_free() {
    run(|| {
        let enclave = Enclave::new(1);
        pass(30 * DAY - 3_600 - VALIDITY / 4);
        assert!(is_free(enclave.attest()));
        pass(60);
        assert!(!is_free(enclave.attest()));
        submit_all(&collateral_of(now()));
        pass(60);
        assert!(is_free(enclave.attest()));
    });
}

#[test]
fn what_was_shown_before_and_what_is_older_is_not_taken() {
    run(|| {
        let enclave = Enclave::new(1);
        let older = enclave.payload_at(FIRST - 50);
        let payload = enclave.payload();
        let quote = enclave.quote(&payload);
        assert_ok!(Attestation::attest(anybody(), Box::new(payload), quote.clone()));
        pass(VALIDITY + 1);
        assert!(!enclave.is_live());
        assert_noop!(
            Attestation::attest(anybody(), Box::new(payload), quote),
            Error::<Test>::AttestationNotNewer
        );
        assert_noop!(enclave.attest_with(older), Error::<Test>::AttestationNotNewer);
        assert!(!enclave.is_live());
    });
}

#[test]
fn a_payload_is_for_this_chain_and_for_now() {
    run(|| {
        let enclave = Enclave::new(1);
        let refused = |change: &dyn Fn(&mut tee_primitives::attestation::AttestationPayload),
                       error: Error<Test>| {
            let mut payload = enclave.payload();
            change(&mut payload);
            assert_noop!(enclave.attest_with(payload), error);
        };
        refused(&|it| it.version = 2, Error::<Test>::PayloadVersionUnsupported);
        refused(
            &|it| {
                it.purpose = Purpose::PeerSync {
                    role: PeerRole::Requester,
                    peer: [1; 32],
                    handshake_hash: [1; 32],
                }
            },
            Error::<Test>::PurposeIsAnother,
        );
        refused(&|it| it.genesis_hash = [0xee; 32], Error::<Test>::ChainIsAnother);
        refused(&|it| it.block_hash = [0xee; 32], Error::<Test>::BlockIsAnother);
        refused(&|it| it.block_number = FIRST, Error::<Test>::QuoteNotRecent);
        refused(&|it| it.block_number = u32::MAX, Error::<Test>::QuoteNotRecent);
        refused(&|it| it.block_number = FIRST - MAX_AGE - 1, Error::<Test>::QuoteNotRecent);
        refused(&|it| it.mrenclave = OTHER_CODE.mr_enclave, Error::<Test>::MeasurementIsAnother);
        assert_ok!(enclave.attest_with(enclave.payload_at(FIRST - MAX_AGE)));
    });
}

#[test]
fn the_report_data_is_the_accounts_signature_over_the_payload() {
    run(|| {
        let enclave = Enclave::new(1);
        let payload = enclave.payload();
        let quote = enclave.quote(&payload);
        // What is said is changed after it was signed.
        let mut changed = payload;
        changed.encryption_key = [8; 32];
        assert_noop!(
            Attestation::attest(anybody(), Box::new(changed), quote),
            Error::<Test>::ReportDataIsNoSignature
        );
        // Signed by somebody else, on a machine of theirs.
        let mallory = sr25519::Pair::from_seed(&[77; 32]);
        let signature = mallory.sign(&payload.message()).0;
        let quote = quote_bytes(authority().machine(77).quote(&CODE, &signature));
        assert_noop!(
            Attestation::attest(anybody(), Box::new(payload), quote),
            Error::<Test>::ReportDataIsNoSignature
        );
    });
}

/// Flaw F49: an enclave's account could be registered, and so blocked, by anybody.
#[test]
fn f49_nobody_squats_an_enclaves_account() {
    run(|| {
        let enclave = Enclave::new(1);
        let mallory = AccountId32::new([66; 32]);
        // Mallory has registered the enclave's account as hers, and before its operator did.
        name(&enclave.account(), &mallory);
        // The enclave names its operator. For Mallory there is nothing to bring.
        let mut forged = enclave.payload();
        forged.operator = mallory.clone().into();
        let quote = enclave.quote(&enclave.payload());
        assert_noop!(
            Attestation::attest(anybody(), Box::new(forged), quote),
            Error::<Test>::ReportDataIsNoSignature
        );
        assert_ok!(enclave.attest());
        use tee_primitives::traits::Attestations as _;
        assert!(Attestation::live(&enclave.account(), &mallory).is_none());
        assert!(Attestation::live(&enclave.account(), &enclave.operator).is_some());
    });
}

#[test]
fn an_enclave_that_nobody_named_cannot_attest() {
    run(|| {
        let enclave = Enclave::new(1);
        unname(&enclave.account(), &enclave.operator);
        assert_noop!(enclave.attest(), Error::<Test>::EnclaveNotNamed);
    });
}

#[test]
fn an_assigned_enclave_keeps_its_code_and_its_machine() {
    run(|| {
        let mut enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        let facts = Attestations::<Test>::get(enclave.account()).unwrap().facts;
        stand(&enclave.account(), &enclave.operator, Some(facts));
        pass(60);
        assert_ok!(enclave.attest());

        pass(60);
        enclave.machine = authority().machine(2);
        assert_noop!(enclave.attest(), Error::<Test>::NotWhatWasAssigned);
        enclave.machine = authority().machine(1);
        enclave.code.isv_svn += 1;
        assert_noop!(enclave.attest(), Error::<Test>::NotWhatWasAssigned);
        enclave.code.isv_svn -= 1;
        assert_ok!(enclave.attest());
    });
}

#[test]
fn one_machine_has_one_name_and_another_machine_another() {
    run(|| {
        let platform = |number: u8, machine| {
            let mut enclave = Enclave::new(number);
            enclave.machine = authority().machine(machine);
            enclave.attest().unwrap();
            Attestations::<Test>::get(enclave.account()).unwrap().facts.platform
        };
        let (first, second, third) = (platform(1, 1), platform(2, 1), platform(3, 2));
        assert_eq!(first, second);
        assert_ne!(first, third);
    });
}

/// Gap G7: nobody compares the measurement with a list of allowed ones.
#[test]
fn g7_only_code_that_governance_allows_attests() {
    run(|| {
        let refused = |code: EnclaveIdentity, error: Error<Test>| {
            let mut enclave = Enclave::new(1);
            enclave.code = code;
            assert_noop!(enclave.attest(), error);
        };
        refused(OTHER_CODE, Error::<Test>::MeasurementNotAllowed);
        refused(
            EnclaveIdentity { mr_signer: [8; 32], ..CODE },
            Error::<Test>::EnclaveSignerIsAnother,
        );
        refused(EnclaveIdentity { isv_prod_id: 8, ..CODE }, Error::<Test>::ProductIsAnother);
        refused(
            EnclaveIdentity { isv_svn: CODE.isv_svn - 1, ..CODE },
            Error::<Test>::SecurityVersionTooLow,
        );
    });
}

#[test]
fn without_collateral_nothing_is_taken() {
    new_chain().execute_with(|| {
        let enclave = Enclave::new(1);
        let [root_crl, pck_crl, tcb_info, qe_identity] = items(&collateral_of(START - 3_600));
        assert_noop!(enclave.attest(), Error::<Test>::RootCrlMissing);
        assert_ok!(submit(root_crl));
        assert_noop!(enclave.attest(), Error::<Test>::PckCrlMissing);
        assert_ok!(submit(pck_crl));
        assert_noop!(enclave.attest(), Error::<Test>::TcbInfoMissing);
        assert_ok!(submit(tcb_info));
        assert_noop!(enclave.attest(), Error::<Test>::QeIdentityMissing);
        assert_ok!(submit(qe_identity));
        assert_ok!(enclave.attest());
    });
}

#[test]
fn a_chain_without_a_root_takes_nothing() {
    run(|| {
        let enclave = Enclave::new(1);
        let root = crate::Root::<Test>::take().unwrap();
        assert_noop!(enclave.attest(), Error::<Test>::RootMissing);
        let [root_crl, ..] = items(&collateral_of(START));
        assert_noop!(submit(root_crl), Error::<Test>::RootMissing);
        crate::Root::<Test>::put(root);
    });
}

#[test]
fn quotes_under_another_root_are_not_taken() {
    run(|| {
        let mut enclave = Enclave::new(1);
        enclave.machine = Authority::from_seed([9; 32]).machine(1);
        assert_noop!(enclave.attest(), Error::<Test>::CertificateChainUntrusted);
    });
}

/// Every status, against the default policy and one that takes what can be taken.
#[test]
fn the_policy_decides_which_platforms_are_accepted() {
    use tee_simulator::{MachineOptions, TcbStatus};
    run(|| {
        let generous = TcbPolicy {
            accept_sw_hardening: true,
            accept_configuration: true,
            reviewed_advisories: all_advisories(),
            max_patch_age: tee_primitives::attestation::tcb::MAX_PATCH_AGE,
            min_evaluation_number: 0,
        };
        for (number, status, error) in [
            (1, TcbStatus::SwHardeningNeeded, Error::<Test>::AdvisoryNotReviewed),
            (2, TcbStatus::ConfigurationNeeded, Error::<Test>::PlatformNeedsConfiguration),
            (
                3,
                TcbStatus::ConfigurationAndSwHardeningNeeded,
                Error::<Test>::PlatformNeedsConfiguration,
            ),
            (4, TcbStatus::OutOfDate, Error::<Test>::PlatformOutOfDate),
            (5, TcbStatus::OutOfDateConfigurationNeeded, Error::<Test>::PlatformOutOfDate),
        ] {
            crate::Policy::<Test>::kill();
            let mut enclave = Enclave::new(number);
            let options = MachineOptions::with_status(status);
            enclave.machine = authority().machine_with(number.into(), &options);
            assert_noop!(enclave.attest(), error);
            let out_of_date =
                matches!(status, TcbStatus::OutOfDate | TcbStatus::OutOfDateConfigurationNeeded);
            crate::Policy::<Test>::put(&generous);
            if out_of_date {
                // The simulator's old levels are older than any policy can accept.
                assert_noop!(enclave.attest(), Error::<Test>::PlatformOutOfDate);
            } else {
                assert_ok!(enclave.attest());
                assert!(enclave.is_live());
                crate::Policy::<Test>::kill();
                assert!(!enclave.is_live(), "the policy acts on what is live");
            }
        }
        crate::Policy::<Test>::put(TcbPolicy { accept_sw_hardening: false, ..generous.clone() });
        let mut enclave = Enclave::new(6);
        let options = MachineOptions::with_status(TcbStatus::SwHardeningNeeded);
        enclave.machine = authority().machine_with(6, &options);
        assert_noop!(enclave.attest(), Error::<Test>::PlatformNeedsHardening);
        crate::Policy::<Test>::put(TcbPolicy { min_evaluation_number: u32::MAX, ..generous });
        let enclave = Enclave::new(7);
        assert_noop!(enclave.attest(), Error::<Test>::EvaluationNoLongerCounts);
        let options = MachineOptions::with_status(TcbStatus::Revoked);
        let mut enclave = Enclave::new(8);
        enclave.machine = authority().machine_with(8, &options);
        assert_noop!(enclave.attest(), Error::<Test>::TcbRevoked);
    });
}

fn all_advisories() -> tee_primitives::attestation::tcb::Advisories {
    let json = collateral_of(START).tcb_info;
    let mut all = tee_primitives::attestation::tcb::Advisories::default();
    for id in json.split('"').filter(|word| word.starts_with("INTEL-SA-")) {
        let id = tee_primitives::attestation::tcb::AdvisoryId::truncate_from(id.as_bytes().into());
        if !all.contains(&id) {
            all.try_push(id).unwrap();
        }
    }
    all
}

#[test]
fn a_revoked_machine_is_not_taken() {
    run(|| {
        let enclave = Enclave::new(1);
        let options = CollateralOptions {
            revoked_pck: vec![enclave.machine.serial()],
            ..CollateralOptions::new(START)
        };
        let [_, pck_crl, ..] = items(&authority().collateral(&options));
        assert_ok!(submit(pck_crl));
        assert_noop!(enclave.attest(), Error::<Test>::CertificateRevoked);
        assert_ok!(Enclave::new(2).attest());
    });
}

#[test]
fn an_attestation_of_an_enclave_that_nobody_names_is_forgotten() {
    run(|| {
        let enclave = Enclave::new(1);
        let forget = || Attestation::forget_attestation(anybody(), enclave.account());
        assert_noop!(forget(), Error::<Test>::AttestationNotFound);
        assert_ok!(enclave.attest());
        events();
        assert_noop!(forget(), Error::<Test>::AttestationStillNeeded);
        unname(&enclave.account(), &enclave.operator);
        assert!(is_free(forget()));
        assert_eq!(events(), [Event::AttestationForgotten { account: enclave.account() }]);
        assert!(!Attestations::<Test>::contains_key(enclave.account()));
    });
}

#[test]
fn facts_are_what_the_quote_says() {
    run(|| {
        let enclave = Enclave::new(1);
        assert_ok!(enclave.attest());
        use tee_primitives::traits::Attestations as _;
        let facts = Attestation::live(&enclave.account(), &enclave.operator);
        let AttestationFacts { measurement, isv_svn, .. } = facts.unwrap();
        assert_eq!((measurement, isv_svn), (CODE.mr_enclave, CODE.isv_svn));
    });
}

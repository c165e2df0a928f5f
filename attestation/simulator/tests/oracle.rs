// SPDX-License-Identifier: Apache-2.0
//! dcap-qvl, the published verifier, judges quotes and collateral.

mod common;

use std::collections::HashSet;

use common::{enclave, verify, ISSUED, NOW, REPORT_DATA};
use dcap_qvl::{
    intel,
    quote::{Quote, Report},
};
use tee_simulator::{
    malleated, Authority, CollateralCheck, CollateralFault, CollateralOptions, MachineOptions,
    PckCa, PlatformFlags, QuoteCheck, QuoteFault, SgxType, TcbStatus,
};

#[test]
fn a_default_quote_with_default_collateral_is_up_to_date() {
    let authority = Authority::development();
    let machine = authority.machine(0);
    let quote = machine.quote(&enclave(), &REPORT_DATA);
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    let report = verify(&quote, &collateral, NOW).unwrap();
    assert_eq!(report.status, "UpToDate");
    assert!(report.advisory_ids.is_empty());
    assert_eq!(report.ppid, machine.ppid());
    let Report::SgxEnclave(body) = report.report else { panic!("not an SGX report") };
    assert_eq!(body.mr_enclave, enclave().mr_enclave);
    assert_eq!(body.mr_signer, enclave().mr_signer);
    assert_eq!((body.isv_prod_id, body.isv_svn), (7, 3));
    assert_eq!(body.report_data, REPORT_DATA);
}

#[test]
fn collateral_counts_from_its_issue_to_its_end() {
    let authority = Authority::development();
    let quote = authority.machine(0).quote(&enclave(), &REPORT_DATA);
    let options = CollateralOptions { valid_for: 100, ..CollateralOptions::new(ISSUED) };
    let collateral = authority.collateral(&options);
    assert!(verify(&quote, &collateral, ISSUED - 1).is_err());
    assert!(verify(&quote, &collateral, ISSUED).is_ok());
    // CRLs end a second earlier than the documents, for dcap-qvl.
    assert!(verify(&quote, &collateral, ISSUED + 99).is_ok());
    assert!(verify(&quote, &collateral, ISSUED + 101).is_err());
}

#[test]
fn a_machine_has_the_status_that_was_asked_for() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    for &status in TcbStatus::ALL {
        let machine = authority.machine_with(1, &MachineOptions::with_status(status));
        let report = verify(&machine.quote(&enclave(), &REPORT_DATA), &collateral, NOW);
        if status == TcbStatus::Revoked {
            let error = report.unwrap_err().to_string();
            assert!(error.contains("Revoked"), "{error}");
        } else {
            let report = report.unwrap();
            assert_eq!(report.status, status.name());
            assert_eq!(report.advisory_ids.is_empty(), status == TcbStatus::UpToDate);
        }
    }
}

#[test]
fn pcesvn_alone_makes_a_machine_out_of_date() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    let options = MachineOptions { pce_svn: 13, ..MachineOptions::default() };
    let quote = authority.machine_with(0, &options).quote(&enclave(), &REPORT_DATA);
    assert_eq!(verify(&quote, &collateral, NOW).unwrap().status, "OutOfDate");
}

#[test]
fn an_old_quoting_enclave_makes_a_machine_out_of_date() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    let options = MachineOptions { qe_isv_svn: 7, ..MachineOptions::default() };
    let quote = authority.machine_with(0, &options).quote(&enclave(), &REPORT_DATA);
    let report = verify(&quote, &collateral, NOW).unwrap();
    assert_eq!((report.status.as_str(), report.advisory_ids.len()), ("OutOfDate", 1));
}

#[test]
fn the_certificate_says_what_the_machine_is() {
    let authority = Authority::development();
    let flags = PlatformFlags { dynamic_platform: true, cached_keys: false, smt_enabled: true };
    let options = MachineOptions {
        ca: PckCa::Platform,
        fmspc: [1, 2, 3, 4, 5, 6],
        pce_id: [7, 8],
        sgx_type: SgxType::ScalableWithIntegrity,
        flags,
        ..MachineOptions::default()
    };
    let platform = authority.machine_with(2, &options);
    let quote = platform.quote(&enclave(), &REPORT_DATA);
    let parsed = Quote::parse(&quote).unwrap();
    let chain = intel::extract_cert_chain(&parsed).unwrap();
    assert_eq!(chain, platform.chain_der());
    let extension = intel::parse_pck_extension_with::<dcap_qvl::configs::RustCryptoConfig>(
        &platform.certificate_der(),
    )
    .unwrap();
    assert_eq!(extension.ppid, platform.ppid());
    assert_eq!(extension.fmspc, [1, 2, 3, 4, 5, 6]);
    assert_eq!(extension.pce_id, [7, 8]);
    assert_eq!(extension.cpu_svn, options.cpu_svn);
    assert_eq!(extension.pce_svn, options.pce_svn);
    assert_eq!(extension.sgx_type, 2);
    assert_eq!(extension.platform_instance_id.unwrap().len(), 16);
    let said = (extension.dynamic_platform, extension.cached_keys, extension.smt_enabled);
    assert_eq!(said, (Some(true), Some(false), Some(true)));

    let processor = authority.machine(2);
    assert_eq!(processor.ppid(), platform.ppid());
    let extension = intel::parse_pck_extension_with::<dcap_qvl::configs::RustCryptoConfig>(
        &processor.certificate_der(),
    )
    .unwrap();
    assert!(extension.platform_instance_id.is_none() && extension.smt_enabled.is_none());
}

#[test]
fn the_crl_must_be_that_of_the_machines_ca() {
    let authority = Authority::development();
    for machine_ca in [PckCa::Processor, PckCa::Platform] {
        let options = MachineOptions { ca: machine_ca, ..MachineOptions::default() };
        let quote = authority.machine_with(3, &options).quote(&enclave(), &REPORT_DATA);
        for ca in [PckCa::Processor, PckCa::Platform] {
            let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
            let collateral = authority.collateral(&options);
            assert_eq!(verify(&quote, &collateral, NOW).is_ok(), ca == machine_ca);
        }
    }
}

#[test]
fn revocation_is_of_one_machine() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions {
        revoked_pck: vec![authority.machine(4).serial(), authority.machine(5).serial()],
        ..CollateralOptions::new(ISSUED)
    });
    for number in 3..=6 {
        let quote = authority.machine(number).quote(&enclave(), &REPORT_DATA);
        let revoked = number == 4 || number == 5;
        assert_eq!(verify(&quote, &collateral, NOW).is_err(), revoked, "machine {number}");
    }
}

#[test]
fn a_certificate_counts_only_in_its_time() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    for (not_before, not_after, valid) in
        [(NOW, NOW + 1, true), (NOW - 2, NOW - 1, false), (NOW + 1, NOW + 2, false)]
    {
        let options = MachineOptions { not_before, not_after, ..MachineOptions::default() };
        let quote = authority.machine_with(0, &options).quote(&enclave(), &REPORT_DATA);
        assert_eq!(verify(&quote, &collateral, NOW).is_ok(), valid);
    }
}

#[test]
fn another_seed_is_another_root() {
    let other = Authority::from_seed([9; 32]);
    assert_ne!(other.root_secret(), Authority::development().root_secret());
    let quote = other.machine(0).quote(&enclave(), &REPORT_DATA);
    let ours = Authority::development().collateral(&CollateralOptions::new(ISSUED));
    let theirs = other.collateral(&CollateralOptions::new(ISSUED));
    assert!(verify(&quote, &ours, NOW).is_err());
    assert!(verify(&quote, &theirs, NOW).is_err());
}

#[test]
fn a_malleated_quote_verifies() {
    let authority = Authority::development();
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    let quote = authority.machine(0).quote(&enclave(), &REPORT_DATA);
    let other = malleated(&quote);
    assert_ne!(other, quote);
    assert_eq!(malleated(&other), quote);
    assert!(verify(&other, &collateral, NOW).is_ok());
}

/// What dcap-qvl says when a check fails: so it is this check that fails, and no other.
fn quote_errors(check: QuoteCheck) -> &'static [&'static str] {
    match check {
        QuoteCheck::Layout => &["decode quote", "auth data length", "PCK cert format"],
        QuoteCheck::Header => &[
            "quote version",
            // It decodes version 4 in another layout.
            "Could not decode `CertificationData::body`",
            "key type",
            "TEE type",
            "vendor",
        ],
        QuoteCheck::Attributes => &["Debug mode"],
        QuoteCheck::Chain => &[
            "verify certificate chain",
            "chain is too short",
            "Failed to parse certs",
            "Too many intermediate",
        ],
        QuoteCheck::Extension => &["xtension", "length mismatch", "decode DER object"],
        QuoteCheck::QeReportSignature => &["Signature is invalid for qe_report"],
        QuoteCheck::QeReportData => &["QE report hash mismatch"],
        QuoteCheck::QeIdentity => &["QE ", "Revoked"],
        QuoteCheck::Signature => &["ISV enclave report signature"],
        QuoteCheck::Level => &["Fmspc mismatch", "No matching TCB level", "Revoked"],
        QuoteCheck::ReportData => &[],
    }
}

/// The same for collateral.
fn collateral_errors(check: CollateralCheck) -> &'static [&'static str] {
    match check {
        CollateralCheck::Format => &[
            "decode",
            "issue date",
            "next update",
            "component count",
            "Fmspc mismatch",
            "TrailingData",
        ],
        CollateralCheck::Kind => &["non-SGX TCB info", "QE Identity id/version"],
        CollateralCheck::Time => &["expired", "in the future", "CrlExpired"],
        CollateralCheck::Chain => &[
            "verify certificate chain",
            "chain is too short",
            "directly by the root",
            "InvalidCrlSignatureForPublicKey",
        ],
        CollateralCheck::Signature => {
            &["Signature is invalid for", "InvalidCrlSignatureForPublicKey"]
        }
        CollateralCheck::Revocation => &["CertRevoked"],
        CollateralCheck::Match => &["mismatch"],
        CollateralCheck::Level => &["TCB level", "minimum required", "Revoked"],
    }
}

#[test]
fn faulty_quotes_are_refused_or_known_to_need_a_stricter_verifier() {
    let authority = Authority::development();
    let machine = authority.machine(0);
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
    let mut seen = HashSet::from([machine.quote(&enclave(), &REPORT_DATA)]);
    let mut wrong = Vec::new();
    for &fault in QuoteFault::ALL {
        let quote = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
        assert!(seen.insert(quote.clone()), "{fault:?} gives what another gives");
        let accepted = match verify(&quote, &collateral, NOW) {
            Ok(_) => true,
            Err(error) => {
                let error = format!("{error:#}");
                let known = quote_errors(fault.check());
                assert!(known.iter().any(|part| error.contains(part)), "{fault:?}: {error}");
                false
            }
        };
        if accepted != QuoteFault::ACCEPTED_BY_DCAP_QVL.contains(&fault) {
            wrong.push((fault, accepted));
        }
    }
    assert_eq!(wrong, [], "(fault, accepted)");
}

#[test]
fn faulty_collateral_is_refused_or_known_to_need_a_stricter_verifier() {
    let authority = Authority::development();
    for ca in [PckCa::Processor, PckCa::Platform] {
        let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
        let kind = MachineOptions { ca, ..MachineOptions::default() };
        let quote = authority.machine_with(0, &kind).quote(&enclave(), &REPORT_DATA);
        let right = authority.collateral(&options);
        assert!(verify(&quote, &right, NOW).is_ok());
        let mut seen = vec![right];
        let mut wrong = Vec::new();
        for &fault in CollateralFault::ALL {
            let collateral = authority.faulty_collateral(&options, fault);
            assert!(!seen.contains(&collateral), "{fault:?} gives what another gives");
            seen.push(collateral.clone());
            let accepted = match verify(&quote, &collateral, NOW) {
                Ok(report) => report.status == "UpToDate",
                Err(error) => {
                    let error = format!("{error:#}");
                    let known = collateral_errors(fault.check());
                    assert!(known.iter().any(|part| error.contains(part)), "{fault:?}: {error}");
                    false
                }
            };
            if accepted != CollateralFault::ACCEPTED_BY_DCAP_QVL.contains(&fault) {
                wrong.push((fault, accepted));
            }
        }
        assert_eq!(wrong, [], "(fault, accepted)");
    }
}

#[test]
fn a_status_that_only_policy_refuses_is_reported() {
    let authority = Authority::development();
    let options = CollateralOptions::new(ISSUED);
    let quote = authority.machine(0).quote(&enclave(), &REPORT_DATA);
    for &fault in CollateralFault::ALL {
        let expected = match fault {
            CollateralFault::PlatformStatus(status) | CollateralFault::QeStatus(status) => status,
            _ => continue,
        };
        assert_eq!(fault.check(), CollateralCheck::Level);
        let report = verify(&quote, &authority.faulty_collateral(&options, fault), NOW);
        match expected {
            TcbStatus::Revoked => assert!(report.is_err()),
            status => assert_eq!(report.unwrap().status, status.name()),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Every fault of the simulator, and the reason for which it is refused.

mod common;

use std::collections::BTreeSet;

use common::{
    enclave, good_collateral, name, ours, quote_of,
    reasons::{reason_of_collateral, reason_of_quote},
    Stored, ISSUED, NOW, REPORT_DATA,
};
use tee_dcap::{check_root, verify_pck_crl, verify_root_crl, Error, Quote};
use tee_simulator::{
    Authority, CollateralFault, CollateralOptions, MachineOptions, PckCa, QuoteFault,
};

/// Both authorities for platforms.
const AUTHORITIES: [PckCa; 2] = [PckCa::Processor, PckCa::Platform];

#[test]
fn every_fault_of_a_quote_is_refused_for_its_reason() {
    let authority = Authority::development();
    for ca in AUTHORITIES {
        let options = MachineOptions { ca, ..MachineOptions::default() };
        let machine = authority.machine_with(0, &options);
        let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
        let collateral = authority.collateral(&options);
        assert!(ours(&quote_of(&machine), &collateral, NOW).is_ok());
        for &fault in QuoteFault::ALL {
            let quote = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
            let refused = ours(&quote, &collateral, NOW).err();
            assert_eq!(refused, reason_of_quote(fault), "{fault:?}");
        }
    }
}

#[test]
fn every_fault_of_collateral_is_refused_for_its_reason_or_is_a_status() {
    let authority = Authority::development();
    for ca in AUTHORITIES {
        let options = MachineOptions { ca, ..MachineOptions::default() };
        let quote = quote_of(&authority.machine_with(0, &options));
        let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
        for &fault in CollateralFault::ALL {
            let collateral = authority.faulty_collateral(&options, fault);
            let verdict = ours(&quote, &collateral, NOW);
            let status = verdict.map(|verdict| name(verdict.tcb.status));
            let expected = reason_of_collateral(fault).map(|status| status.name().into());
            assert_eq!(status, expected, "{fault:?}");
        }
    }
}

#[test]
fn a_list_with_too_many_entries_is_refused() {
    let list = |entries: u32| {
        let serial = |number: u32| {
            let mut serial = [1; 20];
            serial[..4].copy_from_slice(&(number + 0x0100_0000).to_be_bytes());
            serial
        };
        let revoked_by_root = (0..entries).map(serial).collect();
        let options = CollateralOptions { revoked_by_root, ..CollateralOptions::new(ISSUED) };
        Authority::development().collateral(&options).root_crl
    };
    let authority = Authority::development();
    let verify = |entries| verify_root_crl(authority.root_der(), &list(entries), NOW).map(|_| ());
    assert_eq!(verify(3_276), Ok(()));
    assert_eq!(verify(3_277), Err(Error::CrlMalformed));
}

#[test]
fn a_document_with_too_many_levels_or_advisories_is_refused() {
    let authority = Authority::development();
    let verify = |options: &CollateralOptions| {
        Stored::new(authority.root_der(), &authority.collateral(options), NOW).map(|_| ())
    };
    let good = CollateralOptions::new(ISSUED);
    for (count, expected) in [(64, Ok(())), (65, Err(Error::CollateralTooLarge))] {
        let levels = good.levels.iter().cycle().take(count).cloned().collect();
        assert_eq!(verify(&CollateralOptions { levels, ..good.clone() }), expected);
        let qe_levels = good.qe_levels.iter().cycle().take(count).cloned().collect();
        assert_eq!(verify(&CollateralOptions { qe_levels, ..good.clone() }), expected);
        let advisories: Vec<_> = (0..count).map(|number| format!("INTEL-SA-{number:05}")).collect();
        let mut options = good.clone();
        options.levels[0].advisories = advisories.clone();
        assert_eq!(verify(&options), expected);
        let mut options = good.clone();
        options.qe_levels[0].advisories = advisories;
        assert_eq!(verify(&options), expected);
    }
    for (length, expected) in [(32, Ok(())), (33, Err(Error::CollateralTooLarge))] {
        let mut options = good.clone();
        options.levels[0].advisories = vec!["A".repeat(length)];
        assert_eq!(verify(&options), expected);
    }
    // Each level has few enough, both together have too many.
    let mut options = good;
    options.levels[0].advisories = (0..40).map(|number| format!("A-{number}")).collect();
    options.qe_levels[0].advisories = (0..40).map(|number| format!("B-{number}")).collect();
    let quote = quote_of(&authority.machine(0));
    let refused = ours(&quote, &authority.collateral(&options), NOW);
    assert_eq!(refused, Err(Error::CollateralTooLarge));
}

#[test]
fn a_list_is_only_taken_of_an_authority_for_platforms() {
    let authority = Authority::development();
    let collateral = good_collateral();
    let root = authority.root_der();
    let root_crl = verify_root_crl(root, &collateral.root_crl, NOW).unwrap();
    let signers = collateral.tcb_info_issuer_chain.as_bytes();
    assert_eq!(
        verify_pck_crl(root, &root_crl, &collateral.pck_crl, signers, NOW),
        Err(Error::CrlIssuerUnknown)
    );
    // The root is not either, although its certificate is signed by the root.
    let (_, only_root) = collateral.tcb_info_issuer_chain.split_once("-----END").unwrap();
    let (_, only_root) = only_root.split_once('\n').unwrap();
    assert_eq!(
        verify_pck_crl(root, &root_crl, &collateral.root_crl, only_root.as_bytes(), NOW),
        Err(Error::CrlIssuerUnknown)
    );
}

#[test]
fn a_root_that_is_none_is_refused() {
    let authority = Authority::development();
    let (good, collateral) = (authority.root_der(), good_collateral());
    assert_eq!(check_root(good), Ok(()));
    let stored = Stored::new(good, &collateral, NOW).unwrap();
    let quote = quote_of(&authority.machine(0));
    let mut trailing = good.to_vec();
    trailing.push(0);
    let broken = [&[], &good[..good.len() - 1], &good[1..], &trailing, b"no certificate"];
    for root in broken {
        assert_eq!(check_root(root), Err(Error::RootMalformed));
        assert_eq!(Stored::new(root, &collateral, NOW).err(), Some(Error::RootMalformed));
        assert_eq!(stored.judge(root, &quote, NOW).err(), Some(Error::RootMalformed));
    }
}

#[test]
fn a_quote_that_is_parsed_has_the_attributes_of_its_report() {
    let machine = Authority::development().machine(0);
    for &fault in QuoteFault::ALL {
        let bytes = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
        let Ok(quote) = Quote::parse(&bytes) else { continue };
        let is_reason = |error: &Error| {
            use Error::*;
            let reasons = [
                DebugEnclave,
                ProvisioningEnclave,
                EnclaveAttributesInvalid,
                EnclaveReportUnexpected,
            ];
            reasons.contains(error)
        };
        let expected = reason_of_quote(fault).filter(is_reason);
        assert_eq!(quote.check_attributes().err(), expected, "{fault:?}");
    }
}

#[test]
fn every_reason_has_a_fault() {
    let of_quotes = QuoteFault::ALL.iter().filter_map(|fault| reason_of_quote(*fault));
    let of_collateral =
        CollateralFault::ALL.iter().filter_map(|fault| reason_of_collateral(*fault).err());
    // Of the other tests of this file.
    let others = [Error::CollateralTooLarge, Error::CrlIssuerUnknown, Error::RootMalformed];
    let seen: BTreeSet<_> = of_quotes.chain(of_collateral).chain(others).collect();
    let all: BTreeSet<_> = Error::ALL.iter().copied().collect();
    assert_eq!(seen, all);
    for reason in all {
        assert_eq!(reason.to_string(), reason.sentence());
    }
}

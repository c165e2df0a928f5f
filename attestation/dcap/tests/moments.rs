// SPDX-License-Identifier: Apache-2.0
//! At each step everything that is used must count at that moment: every certificate with its own
//! time, and the root's list.

mod common;

use common::{
    der, form, from_pem, good_collateral, keys, oracle_under, pem, quote_of, with_chain, Stored,
    ISSUED, NOW,
};
use p256::ecdsa::SigningKey;
use tee_dcap::{verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info, Crl, Error};
use tee_simulator::{
    authority::{NOT_AFTER, NOT_BEFORE},
    Authority, Collateral, CollateralOptions, PckCa, Serial,
};

/// Position in what is signed of a certificate.
const VALIDITY: usize = 4;

/// The same certificate for another time.
fn dated(certificate: &[u8], issuer: &SigningKey, (first, last): (u64, u64)) -> Vec<u8> {
    let time = |seconds: u64| {
        let time = chrono::DateTime::from_timestamp(seconds as i64, 0).unwrap();
        der::element(0x17, time.format("%y%m%d%H%M%SZ").to_string().as_bytes())
    };
    der::changed(certificate, issuer, |parts| {
        parts[VALIDITY] = der::element(der::SEQUENCE, &[time(first), time(last)].concat());
    })
}

/// A chain whose first certificate, which the root issued, is for another time.
fn dated_chain(chain: &str, validity: (u64, u64)) -> String {
    let [first, root] = &from_pem(chain.as_bytes())[..] else { panic!("a chain of two") };
    let first = dated(first, &keys::root(), validity);
    String::from_utf8(pem(&[&first, root])).unwrap()
}

/// Quotes and collateral in which one certificate is for another time.
fn cases(validity: (u64, u64)) -> Vec<(&'static str, Vec<u8>, Collateral)> {
    let machine = Authority::development().machine(0);
    let [leaf, ca, root] = machine.chain_der();
    let (quote, good) = (quote_of(&machine), good_collateral());
    let platform = dated(&leaf, &keys::processor_ca(), validity);
    let authority = dated(&ca, &keys::root(), validity);
    let tcb_info_issuer_chain = dated_chain(&good.tcb_info_issuer_chain, validity);
    let qe_identity_issuer_chain = dated_chain(&good.qe_identity_issuer_chain, validity);
    vec![
        ("platform", with_chain(&quote, &[&platform, &ca, &root]), good.clone()),
        ("authority", with_chain(&quote, &[&leaf, &authority, &root]), good.clone()),
        ("TCB levels", quote.clone(), Collateral { tcb_info_issuer_chain, ..good.clone() }),
        ("identity", quote, Collateral { qe_identity_issuer_chain, ..good }),
    ]
}

#[test]
fn a_verdict_ends_with_the_first_certificate_that_ends() {
    let authority = Authority::development();
    let root = authority.root_der();
    let end = NOW + 1_000;
    for (name, quote, collateral) in cases((NOT_BEFORE, end)) {
        let stored = Stored::new(root, &collateral, NOW).unwrap();
        let verdict = stored.judge(root, &quote, NOW).unwrap();
        let claims = oracle_under(root, &quote, &form(&collateral), NOW).unwrap();
        assert_eq!(verdict.valid_until, end, "{name}");
        assert_eq!(claims.earliest_expiration_date, end, "{name}");
        assert_eq!(stored.judge(root, &quote, end), Ok(verdict), "{name}");
        assert!(oracle_under(root, &quote, &form(&collateral), end).is_ok(), "{name}");
        let refused = stored.judge(root, &quote, end + 1);
        assert_eq!(refused, Err(Error::CertificateExpired), "{name}");
        assert!(oracle_under(root, &quote, &form(&collateral), end + 1).is_err(), "{name}");
    }
}

#[test]
fn no_certificate_counts_before_its_time() {
    let authority = Authority::development();
    let root = authority.root_der();
    let begin = ISSUED + 1_000;
    for (name, quote, collateral) in cases((begin, NOT_AFTER)) {
        let stored = Stored::new(root, &collateral, NOW).unwrap();
        assert!(stored.judge(root, &quote, begin).is_ok(), "{name}");
        let refused = stored.judge(root, &quote, begin - 1);
        assert_eq!(refused, Err(Error::CertificateNotYetValid), "{name}");
        assert!(oracle_under(root, &quote, &form(&collateral), begin - 1).is_err(), "{name}");
    }
}

#[test]
fn the_authority_of_a_list_must_be_valid_when_the_list_is_verified() {
    let authority = Authority::development();
    let (root, good) = (authority.root_der(), good_collateral());
    let root_crl = verify_root_crl(root, &good.root_crl, NOW).unwrap();
    let verify = |validity| {
        let chain = dated_chain(&good.pck_crl_issuer_chain, validity);
        verify_pck_crl(root, &root_crl, &good.pck_crl, chain.as_bytes(), NOW).map(|_| ())
    };
    assert_eq!(verify((NOW, NOW)), Ok(()));
    assert_eq!(verify((NOW + 1, NOT_AFTER)), Err(Error::CertificateNotYetValid));
    assert_eq!(verify((NOT_BEFORE, NOW - 1)), Err(Error::CertificateExpired));
}

/// Verifies each part of collateral by a root's list.
fn by_list(root_crl: &Crl, now: u64) -> [Result<(), Error>; 3] {
    let authority = Authority::development();
    // Long enough, so that only the root's list can be out of its time.
    let options = CollateralOptions { valid_for: 10_000_000, ..CollateralOptions::new(ISSUED) };
    let (root, good) = (authority.root_der(), authority.collateral(&options));
    let pck_chain = good.pck_crl_issuer_chain.as_bytes();
    let (json, signature) = (good.tcb_info.as_bytes(), &good.tcb_info_signature);
    let chain = good.tcb_info_issuer_chain.as_bytes();
    let tcb_info = verify_tcb_info(root, root_crl, json, signature, chain, now);
    let (json, signature) = (good.qe_identity.as_bytes(), &good.qe_identity_signature);
    let qe_identity = verify_qe_identity(root, root_crl, json, signature, chain, now);
    [
        verify_pck_crl(root, root_crl, &good.pck_crl, pck_chain, now).map(|_| ()),
        tcb_info.map(|_| ()),
        qe_identity.map(|_| ()),
    ]
}

/// A list of the development root.
fn list(revoked_by_root: &[Serial]) -> Crl {
    let authority = Authority::development();
    let options = CollateralOptions {
        revoked_by_root: revoked_by_root.into(),
        root_crl_valid_for: 100_000,
        ..CollateralOptions::new(ISSUED)
    };
    let collateral = authority.collateral(&options);
    verify_root_crl(authority.root_der(), &collateral.root_crl, NOW).unwrap()
}

#[test]
fn collateral_is_only_verified_by_a_list_that_counts() {
    let good = list(&[]);
    assert_eq!(by_list(&good, NOW), [Ok(()); 3]);
    assert_eq!(by_list(&good, good.expires - 1), [Ok(()); 3]);
    assert_eq!(by_list(&good, good.expires), [Err(Error::CrlExpired); 3]);
    let later = Crl { issued: NOW + 1, ..good };
    assert_eq!(by_list(&later, NOW), [Err(Error::CrlNotYetValid); 3]);
    // Of another root.
    let other = Authority::from_seed([9; 32]);
    let collateral = other.collateral(&CollateralOptions::new(ISSUED));
    let other = verify_root_crl(other.root_der(), &collateral.root_crl, NOW).unwrap();
    assert_eq!(by_list(&other, NOW), [Err(Error::RevocationUnknown); 3]);
}

#[test]
fn collateral_of_whom_the_root_revoked_is_not_verified() {
    let authority = Authority::development();
    let revoked = Err(Error::CertificateRevoked);
    let by = |serial| by_list(&list(&[[7; 20], serial, [9; 20]]), NOW);
    assert_eq!(by(authority.root_serial()), [revoked; 3]);
    assert_eq!(by(authority.ca_serial(PckCa::Processor)), [revoked, Ok(()), Ok(())]);
    assert_eq!(by(authority.ca_serial(PckCa::Platform)), [Ok(()); 3]);
    assert_eq!(by(authority.tcb_signer_serial()), [Ok(()), revoked, revoked]);
}

#[test]
fn a_platform_whose_authority_is_revoked_later_is_refused() {
    let authority = Authority::development();
    let root = authority.root_der();
    let quote = quote_of(&authority.machine(0));
    let stored = Stored::new(root, &good_collateral(), NOW).unwrap();
    let by = |serial| {
        let stored = Stored { root_crl: list(&[serial]), ..stored.clone() };
        stored.judge(root, &quote, NOW).map(|_| ())
    };
    assert_eq!(by([7; 20]), Ok(()));
    assert_eq!(by(authority.ca_serial(PckCa::Platform)), Ok(()));
    for serial in [
        authority.ca_serial(PckCa::Processor),
        authority.tcb_signer_serial(),
        authority.root_serial(),
    ] {
        assert_eq!(by(serial), Err(Error::CertificateRevoked));
    }
}

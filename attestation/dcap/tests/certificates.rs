// SPDX-License-Identifier: Apache-2.0
//! What certificates and lists must say of themselves, beside being signed: names, and what a key may
//! be used for.

mod common;

use common::{
    der, form, from_pem, good_collateral, keys, oracle_under, ours, pem, quote_of, with_chain,
    with_qe_identity, Stored, ISSUED, NOW,
};
use tee_dcap::{check_root, verify_pck_crl, verify_root_crl, Error};
use tee_simulator::{Authority, Collateral, CollateralOptions, PckCa, QuoteFault};

/// Positions in what is signed of a certificate.
const ISSUER: usize = 3;
const SUBJECT: usize = 5;

/// Position of the issuer in what is signed of a list.
const LIST_ISSUER: usize = 2;

/// KeyUsage of an authority: keyCertSign and cRLSign.
const KEY_USAGE: [u8; 4] = [3, 2, 1, 0b110];

/// BasicConstraints of an authority up to its flag.
const CONSTRAINTS: [u8; 5] = [0x30, 6, 1, 1, 0xff];

fn root() -> Vec<u8> {
    Authority::development().root_der().to_vec()
}

fn part(certificate: &[u8], index: usize) -> Vec<u8> {
    let to_be_signed = der::elements(der::content(certificate))[0];
    der::elements(der::content(to_be_signed))[index].to_vec()
}

/// The same certificate, by the root, with other bytes in its extensions.
fn with_extension(certificate: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    der::changed(certificate, &keys::root(), |parts| {
        let extensions = parts.last_mut().unwrap();
        let at = extensions.windows(from.len()).position(|bytes| bytes == from).unwrap();
        extensions[at..at + to.len()].copy_from_slice(to);
    })
}

/// Authorities that may not do what authorities do: sign lists, sign certificates, be one. The oracle
/// takes the second.
fn incapable(certificate: &[u8]) -> [Vec<u8>; 3] {
    [
        with_extension(certificate, &KEY_USAGE, &[3, 2, 1, 0b100]),
        with_extension(certificate, &KEY_USAGE, &[3, 2, 1, 0b010]),
        with_extension(certificate, &CONSTRAINTS, &[0x30, 6, 1, 1, 0x00]),
    ]
}

#[test]
fn an_authority_must_be_allowed_to_sign_certificates_and_lists() {
    let machine = Authority::development().machine(0);
    let [leaf, ca, root] = machine.chain_der();
    let good = good_collateral();
    let stored = Stored::new(&root, &good, NOW).unwrap();
    for (ca, oracle_takes_it) in incapable(&ca).into_iter().zip([false, true, false]) {
        let quote = with_chain(&quote_of(&machine), &[&leaf, &ca, &root]);
        let refused = stored.judge(&root, &quote, NOW);
        assert_eq!(refused, Err(Error::CertificateChainUntrusted));
        let theirs = oracle_under(&root, &quote, &form(&good), NOW);
        assert_eq!(theirs.is_ok(), oracle_takes_it, "{theirs:?}");

        let chain = pem(&[&ca, &root]);
        let refused = verify_pck_crl(&root, &stored.root_crl, &good.pck_crl, &chain, NOW);
        assert_eq!(refused, Err(Error::CrlIssuerUnknown));
    }
}

#[test]
fn a_root_must_be_an_authority_that_signed_itself() {
    let root = root();
    assert_eq!(check_root(&root), Ok(()));
    for root in incapable(&root) {
        assert_eq!(check_root(&root), Err(Error::RootMalformed));
    }
    let [leaf, ca, _] = Authority::development().machine(0).chain_der();
    assert_eq!(check_root(&leaf), Err(Error::RootMalformed));
    assert_eq!(check_root(&ca), Err(Error::RootMalformed));
    // Its own key, but the name of another as issuer, or its own name, but another key.
    let other = der::changed(&root, &keys::root(), |parts| parts[ISSUER] = part(&ca, SUBJECT));
    assert_eq!(check_root(&other), Err(Error::RootMalformed));
    let other = der::changed(&root, &keys::processor_ca(), |_| ());
    assert_eq!(check_root(&other), Err(Error::RootMalformed));
}

#[test]
fn a_list_must_name_its_authority() {
    let authority = Authority::development();
    let root = root();
    let good = good_collateral();
    let quote = quote_of(&authority.machine(0));
    let [_, ca, _] = authority.machine(0).chain_der();
    let name_of_root = part(&root, SUBJECT);

    let root_crl = der::changed(&good.root_crl, &keys::root(), |parts| {
        parts[LIST_ISSUER] = part(&ca, SUBJECT);
    });
    let refused = verify_root_crl(&root, &root_crl, NOW);
    assert_eq!(refused, Err(Error::CrlSignatureInvalid));
    let collateral = Collateral { root_crl, ..good.clone() };
    assert!(oracle_under(&root, &quote, &form(&collateral), NOW).is_err());

    let pck_crl = der::changed(&good.pck_crl, &keys::processor_ca(), |parts| {
        parts[LIST_ISSUER] = name_of_root;
    });
    let collateral = Collateral { pck_crl, ..good };
    assert_eq!(ours(&quote, &collateral, NOW), Err(Error::CrlSignatureInvalid));
    assert!(oracle_under(&root, &quote, &form(&collateral), NOW).is_err());
}

#[test]
fn a_list_is_only_verified_in_its_time() {
    let good = good_collateral();
    let root_crl = verify_root_crl(&root(), &good.root_crl, NOW).unwrap();
    let verify = |now| verify_root_crl(&root(), &good.root_crl, now).map(|_| ());
    assert_eq!(verify(root_crl.issued - 1), Err(Error::CrlNotYetValid));
    assert_eq!(verify(root_crl.issued), Ok(()));
    assert_eq!(verify(root_crl.expires - 1), Ok(()));
    assert_eq!(verify(root_crl.expires), Err(Error::CrlExpired));
    let chain = good.pck_crl_issuer_chain.as_bytes();
    let verify = |now| {
        verify_pck_crl(&root(), &root_crl, &good.pck_crl, chain, now).map(|(_, list)| list.expires)
    };
    let expires = verify(NOW).unwrap();
    assert!(expires < root_crl.expires);
    assert_eq!(verify(expires - 1), Ok(expires));
    assert_eq!(verify(expires), Err(Error::CrlExpired));
}

#[test]
fn a_platform_must_be_issued_by_the_authority_that_is_shown() {
    let machine = Authority::development().machine(0);
    let [leaf, ca, root] = machine.chain_der();
    let stored = Stored::new(&root, &good_collateral(), NOW).unwrap();
    let judge = |chain: &[&[u8]]| {
        let quote = with_chain(&quote_of(&machine), chain);
        assert!(oracle_under(&root, &quote, &form(&good_collateral()), NOW).is_err());
        stored.judge(&root, &quote, NOW)
    };
    let untrusted = Err(Error::CertificateChainUntrusted);
    let options = CollateralOptions { ca: PckCa::Platform, ..CollateralOptions::new(ISSUED) };
    let platform_ca = Authority::development().collateral(&options).pck_crl_issuer_chain;
    let platform_ca = from_pem(platform_ca.as_bytes());
    assert_eq!(judge(&[&leaf, &platform_ca[0], &root]), untrusted);
    // The right key signed it, but it names another; or the name is right, and the key another's.
    let other = der::changed(&leaf, &keys::processor_ca(), |parts| {
        parts[ISSUER] = part(&platform_ca[0], SUBJECT);
    });
    assert_eq!(judge(&[&other, &ca, &root]), untrusted);
    let other = der::changed(&leaf, &keys::platform_ca(), |_| ());
    assert_eq!(judge(&[&other, &ca, &root]), untrusted);
    // The authority's own certificate names another than the root.
    let other = der::changed(&ca, &keys::root(), |parts| {
        parts[ISSUER] = part(&platform_ca[0], SUBJECT);
    });
    assert_eq!(judge(&[&leaf, &other, &root]), untrusted);
}

#[test]
fn a_quoting_enclave_is_compared_in_its_byte_order_and_under_masks() {
    let machine = Authority::development().machine(0);
    let quote = |fault| machine.faulty_quote(&common::enclave(), &common::REPORT_DATA, fault);
    // MISCSELECT is 1, little-endian; ATTRIBUTES lack the right to the provisioning key.
    let misc_select = quote(QuoteFault::QeMiscSelect);
    let attributes = quote(QuoteFault::QeAttributes);
    let judge = |quote: &[u8], changes: &[(&str, &str)]| {
        let collateral = with_qe_identity(|json| {
            changes.iter().fold(json.to_owned(), |json, (from, to)| {
                assert!(json.contains(from));
                json.replacen(from, to, 1)
            })
        });
        let theirs = oracle_under(&root(), quote, &form(&collateral), NOW);
        let verdict = ours(quote, &collateral, NOW).map(|_| ());
        assert_eq!(verdict.is_ok(), theirs.is_ok(), "{theirs:?}");
        verdict
    };
    let value = "\"miscselect\":\"00000000\"";
    let mask = "\"miscselectMask\":\"FFFFFFFF\"";
    let mismatch = Err(Error::QeMiscSelectMismatch);
    let is = "\"miscselect\":\"01000000\"";
    assert_eq!(judge(&misc_select, &[(value, is)]), Ok(()));
    assert_eq!(judge(&misc_select, &[(value, "\"miscselect\":\"00000001\"")]), mismatch);
    let without = "\"miscselectMask\":\"FEFFFFFF\"";
    assert_eq!(judge(&misc_select, &[(mask, without)]), Ok(()));
    assert_eq!(judge(&misc_select, &[(mask, "\"miscselectMask\":\"FFFFFFFE\"")]), mismatch);
    let value = "\"attributes\":\"11";
    assert_eq!(judge(&attributes, &[(value, "\"attributes\":\"05")]), Ok(()));
    let mismatch = Err(Error::QeAttributesMismatch);
    assert_eq!(judge(&attributes, &[(value, "\"attributes\":\"15")]), mismatch);
}

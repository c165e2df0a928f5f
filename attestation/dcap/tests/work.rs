// SPDX-License-Identifier: Apache-2.0
//! How much work somebody can make for a verifier who pays for four signatures, and what counts
//! whoever calls.

mod common;

use std::time::{Duration, Instant};

use common::{der, good_collateral, keys, quote_of, Stored, NOW};
use p256::ecdsa::{signature::Verifier, Signature, SigningKey};
use tee_dcap::{verify_quote, verify_root_crl, verify_tcb_info, Error, Quote};
use tee_simulator::{layout, Authority, QuoteFault};

const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;

fn pem(certificates: &[Vec<u8>]) -> String {
    let block = |der: &Vec<u8>| pem::encode(&pem::Pem::new("CERTIFICATE", der.as_slice()));
    certificates.iter().map(block).collect()
}

/// A certificate with other names and another key, that nobody of importance signed.
fn junk(template: &[u8], issuer: &[u8], subject: &[u8], number: u8) -> Vec<u8> {
    let key = SigningKey::from_slice(&[number; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    der::changed(template, &key, |parts| {
        parts[ISSUER] = issuer.to_vec();
        parts[SUBJECT] = subject.to_vec();
        let length = parts[KEY].len();
        parts[KEY][length - 65..].copy_from_slice(point.as_bytes());
        // An authority over as many others as it likes.
        let constraints = [0x30, 6, 1, 1, 0xff, 2, 1, 0];
        let extensions = parts.last_mut().unwrap();
        let at = extensions.windows(constraints.len()).position(|bytes| bytes == constraints);
        if let Some(at) = at {
            extensions[at + constraints.len() - 1] = 100;
        }
    })
}

fn part(certificate: &[u8], index: usize) -> Vec<u8> {
    let to_be_signed = der::elements(der::content(certificate))[0];
    der::elements(der::content(to_be_signed))[index].to_vec()
}

/// The fastest of some runs: others may be using the machine.
fn time(run: impl Fn()) -> Duration {
    let once = || {
        let begin = Instant::now();
        run();
        begin.elapsed()
    };
    (0..10).map(|_| once()).min().unwrap()
}

#[test]
fn a_chain_with_many_ways_through_is_no_more_work() {
    let authority = Authority::development();
    let (root, collateral) = (authority.root_der(), good_collateral());
    let stored = Stored::new(root, &collateral, NOW).unwrap();
    let [leaf, ca, _] = authority.machine(0).chain_der();
    let name_of_root = part(root, SUBJECT);

    let verify = |chain: &str| {
        let json = collateral.tcb_info.as_bytes();
        let signature = &collateral.tcb_info_signature;
        verify_tcb_info(root, &stored.root_crl, json, signature, chain.as_bytes(), NOW)
    };
    let honest = time(|| assert!(verify(&collateral.tcb_info_issuer_chain).is_ok()));
    let mut chain = vec![junk(&leaf, &name_of_root, &part(&leaf, SUBJECT), 1)];
    chain.extend((2..=5).map(|number| junk(&ca, &name_of_root, &name_of_root, number)));
    let hostile = pem(&chain);
    assert!(hostile.len() <= tee_dcap::MAX_CHAIN_LEN as usize, "{}", hostile.len());
    let spent = time(|| assert!(verify(&hostile).is_err()));
    println!("document: honest {honest:?}, hostile {spent:?}");
    let document = spent.as_secs_f64() / honest.as_secs_f64();

    let good = quote_of(&authority.machine(0));
    let judge = |quote: &[u8]| stored.judge(root, quote, NOW);
    let honest = time(|| assert!(judge(&good).is_ok()));
    // A name of an authority for platforms, so that the quote gets as far as to be verified.
    let mut chain = vec![leaf, junk(&ca, &name_of_root, &part(&ca, SUBJECT), 2)];
    chain.extend((3..=5).map(|number| junk(&ca, &name_of_root, &name_of_root, number)));
    let hostile = with_chain(&good, &pem(&chain));
    assert!(hostile.len() <= tee_dcap::MAX_QUOTE_LEN as usize, "{}", hostile.len());
    assert!(Quote::parse(&hostile).unwrap().pck_hint().is_ok());
    let spent = time(|| assert!(judge(&hostile).is_err()));
    println!("quote: honest {honest:?}, hostile {spent:?}");
    let quote = spent.as_secs_f64() / honest.as_secs_f64();
    assert!(document < 1.5 && quote < 1.5, "{document} {quote}");
}

/// The same quote with another chain.
fn with_chain(quote: &[u8], chain: &str) -> Vec<u8> {
    let at = layout::AUTH_DATA_LEN + 2 + 32 + 2;
    let mut quote = quote[..at].to_vec();
    quote.extend((chain.len() as u32).to_le_bytes());
    quote.extend(chain.as_bytes());
    let length = (quote.len() - layout::SIGNATURE) as u32;
    quote[layout::SIGNATURE_DATA_LEN..layout::SIGNATURE].copy_from_slice(&length.to_le_bytes());
    quote
}

#[test]
fn a_quote_is_little_more_work_than_its_four_signatures() {
    let authority = Authority::development();
    let stored = Stored::new(authority.root_der(), &good_collateral(), NOW).unwrap();
    let quote = quote_of(&authority.machine(0));
    let whole = time(|| assert!(stored.judge(authority.root_der(), &quote, NOW).is_ok()));
    let key = keys::root();
    let signature = Signature::from_slice(&keys::sign(&key, &quote)).unwrap();
    let four = time(|| {
        (0..4).for_each(|_| key.verifying_key().verify(&quote, &signature).unwrap());
    });
    println!("quote: {whole:?}, four signatures: {four:?}");
}

#[test]
fn a_root_counts_only_in_its_time() {
    let authority = Authority::development();
    let (root, collateral) = (authority.root_der(), good_collateral());
    let stored = Stored::new(root, &collateral, NOW).unwrap();
    let quote = quote_of(&authority.machine(0));
    // The same name and key, for another time.
    let dated = |validity: &str| {
        let (first, last) = validity.split_at(13);
        let times = [first, last].map(|time| der::element(0x17, time.as_bytes())).concat();
        der::changed(root, &keys::root(), |parts| parts[VALIDITY] = der::element(0x30, &times))
    };
    for (validity, expected) in [
        ("200101000000Z491231235959Z", None),
        ("200101000000Z251231235959Z", Some(Error::CertificateExpired)),
        ("270101000000Z491231235959Z", Some(Error::CertificateNotYetValid)),
    ] {
        let root = dated(validity);
        assert_eq!(stored.judge(&root, &quote, NOW).err(), expected);
        assert_eq!(verify_root_crl(&root, &collateral.root_crl, NOW).err(), expected);
        assert_eq!(Stored::new(&root, &collateral, NOW).err(), expected);
    }
    let soon = dated("200101000000Z260101020000Z");
    assert_eq!(stored.judge(&soon, &quote, NOW).unwrap().valid_until, NOW + 3_600);
}

#[test]
fn attributes_count_even_if_the_caller_does_not_ask() {
    let authority = Authority::development();
    let stored = Stored::new(authority.root_der(), &good_collateral(), NOW).unwrap();
    let enclave = common::enclave();
    let quote =
        authority.machine(0).faulty_quote(&enclave, &common::REPORT_DATA, QuoteFault::Debug);
    let quote = Quote::parse(&quote).unwrap();
    let verdict = verify_quote(&quote, authority.root_der(), &stored.collateral(), NOW);
    assert_eq!(verdict, Err(Error::DebugEnclave));
}

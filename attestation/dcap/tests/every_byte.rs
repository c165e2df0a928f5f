// SPDX-License-Identifier: Apache-2.0
//! Every byte of everything that is signed is changed once, and each change is refused.
//!
//! Left out is what nobody reads, each with a test that it makes no difference:
//!
//! - The root at the end of a chain. Both ends of what is verified are elsewhere: the root that
//!   counts is the caller's.
//! - Characters of PEM that say the same, such as another line break: what counts are the
//!   certificates inside.

mod common;

use common::{
    from_pem, good_collateral, pem, quote_of, with_certification, with_chain, Stored, NOW,
};
use tee_dcap::{
    verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info, Crl, Error, Verdict,
};
use tee_simulator::{layout, Authority, Collateral};

/// Each byte is changed in its lowest and in its highest bit.
const CHANGES: [u8; 2] = [0x01, 0x80];

/// Changes every byte and counts; panics if something is taken.
fn refuses_each<T>(what: &str, bytes: &[u8], verify: impl Fn(&[u8]) -> Result<T, Error>) {
    assert!(verify(bytes).is_ok(), "{what} is refused as it is");
    let mut taken = Vec::new();
    let mut changed = bytes.to_vec();
    for place in 0..bytes.len() {
        for change in CHANGES {
            changed[place] ^= change;
            if verify(&changed).is_ok() {
                taken.push((place, change));
            }
            changed[place] ^= change;
        }
    }
    assert_eq!(taken, [], "{what}: changes that are taken");
    println!("{what:<40} {:>6} bytes, all changes refused", bytes.len());
}

/// The development root with its collateral, and machine 0.
struct Scene {
    root: Vec<u8>,
    signed: Collateral,
    stored: Stored,
    quote: Vec<u8>,
    chain: [Vec<u8>; 3],
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::development();
        let (root, signed) = (authority.root_der().to_vec(), good_collateral());
        let stored = Stored::new(&root, &signed, NOW).unwrap();
        let machine = authority.machine(0);
        Self { root, signed, stored, quote: quote_of(&machine), chain: machine.chain_der() }
    }

    fn judge(&self, quote: &[u8]) -> Result<Verdict, Error> {
        self.stored.judge(&self.root, quote, NOW)
    }

    /// Judges the quote with another chain of certificates.
    fn judge_chain(&self, chain: &[&[u8]]) -> Result<Verdict, Error> {
        self.judge(&with_chain(&self.quote, chain))
    }

    fn root_crl(&self, der: &[u8]) -> Result<Crl, Error> {
        verify_root_crl(&self.root, der, NOW)
    }
}

#[test]
fn every_byte_of_a_quote_counts() {
    let scene = Scene::new();
    let parts = [
        ("header", 0..layout::REPORT),
        ("enclave's report", layout::REPORT..layout::SIGNATURE_DATA_LEN),
        ("length of what follows", layout::SIGNATURE_DATA_LEN..layout::SIGNATURE),
        ("quote's signature", layout::SIGNATURE..layout::ATTESTATION_KEY),
        ("attestation key", layout::ATTESTATION_KEY..layout::QE_REPORT),
        ("quoting enclave's report", layout::QE_REPORT..layout::QE_REPORT_SIGNATURE),
        ("its signature", layout::QE_REPORT_SIGNATURE..layout::AUTH_DATA_LEN),
        ("its authentication data", layout::AUTH_DATA_LEN..layout::AUTH_DATA_LEN + 34),
        ("certification type and length", layout::AUTH_DATA_LEN + 34..layout::AUTH_DATA_LEN + 40),
    ];
    for (what, part) in parts {
        refuses_each(what, &scene.quote[part.clone()], |bytes| {
            let mut quote = scene.quote.clone();
            quote[part.clone()].copy_from_slice(bytes);
            scene.judge(&quote)
        });
    }
}

#[test]
fn every_byte_of_the_certificates_in_a_quote_counts() {
    let scene = Scene::new();
    let [platform, authority, root] = &scene.chain;
    refuses_each("platform's certificate", platform, |der| {
        scene.judge_chain(&[der, authority, root])
    });
    refuses_each("its authority's certificate", authority, |der| {
        scene.judge_chain(&[platform, der, root])
    });
}

#[test]
fn every_byte_of_the_lists_counts() {
    let scene = Scene::new();
    let Collateral { root_crl, pck_crl, pck_crl_issuer_chain, .. } = &scene.signed;
    refuses_each("root's list", root_crl, |der| scene.root_crl(der));
    let verify = |der: &[u8], chain: &[u8]| {
        verify_pck_crl(&scene.root, &scene.stored.root_crl, der, chain, NOW)
    };
    let chain = pck_crl_issuer_chain.as_bytes();
    refuses_each("authority's list", pck_crl, |der| verify(der, chain));
    let [authority, root] = &from_pem(chain)[..] else { panic!("a chain of two") };
    refuses_each("certificate of the list's authority", authority, |der| {
        verify(pck_crl, &pem(&[der, root]))
    });
}

#[test]
fn every_byte_of_the_documents_counts() {
    let scene = Scene::new();
    let signed = &scene.signed;
    let crl = &scene.stored.root_crl;

    let chain = signed.tcb_info_issuer_chain.as_bytes();
    let verify = |json: &[u8], signature: &[u8], chain: &[u8]| {
        let signature = signature.try_into().unwrap();
        verify_tcb_info(&scene.root, crl, json, signature, chain, NOW)
    };
    let (json, signature) = (signed.tcb_info.as_bytes(), &signed.tcb_info_signature[..]);
    refuses_each("TCB levels", json, |json| verify(json, signature, chain));
    refuses_each("their signature", signature, |signature| verify(json, signature, chain));
    let [signer, root] = &from_pem(chain)[..] else { panic!("a chain of two") };
    refuses_each("their signer's certificate", signer, |der| {
        verify(json, signature, &pem(&[der, root]))
    });

    let chain = signed.qe_identity_issuer_chain.as_bytes();
    let verify = |json: &[u8], signature: &[u8], chain: &[u8]| {
        let signature = signature.try_into().unwrap();
        verify_qe_identity(&scene.root, crl, json, signature, chain, NOW)
    };
    let (json, signature) = (signed.qe_identity.as_bytes(), &signed.qe_identity_signature[..]);
    refuses_each("quoting enclave's identity", json, |json| verify(json, signature, chain));
    refuses_each("its signature", signature, |signature| verify(json, signature, chain));
    let [signer, root] = &from_pem(chain)[..] else { panic!("a chain of two") };
    refuses_each("its signer's certificate", signer, |der| {
        verify(json, signature, &pem(&[der, root]))
    });
}

#[test]
fn the_root_in_a_chain_makes_no_difference() {
    let scene = Scene::new();
    let [platform, authority, root] = &scene.chain;
    let verdict = scene.judge(&scene.quote).unwrap();
    assert_eq!(scene.judge_chain(&[platform, authority]), Ok(verdict.clone()));
    let mut changed = root.clone();
    for place in 0..root.len() {
        changed[place] ^= 1;
        // It is taken for another certificate, or for none, that the chain does not need.
        let chain = [&platform[..], authority, &changed];
        assert_eq!(scene.judge_chain(&chain), Ok(verdict.clone()), "byte {place}");
        changed[place] ^= 1;
    }
}

#[test]
fn a_character_of_pem_counts_or_says_the_same() {
    let scene = Scene::new();
    let [platform, authority, _] = &scene.chain;
    let text = pem(&[platform, authority]);
    let verdict = scene.judge(&with_certification(&scene.quote, 5, &text)).unwrap();
    let (mut refused, mut same) = (0, 0);
    for place in 0..text.len() {
        for with in [text[place] ^ 1, b'\n', b' ', b'A', b'='] {
            if with == text[place] {
                continue;
            }
            let mut changed = text.clone();
            changed[place] = with;
            match scene.judge(&with_certification(&scene.quote, 5, &changed)) {
                Err(_) => refused += 1,
                Ok(changed_verdict) => {
                    assert_eq!(changed_verdict, verdict);
                    assert_eq!(from_pem(&changed), from_pem(&text), "character {place}");
                    same += 1;
                }
            }
        }
    }
    println!("characters of PEM: {refused} changes refused, {same} say the same");
    assert!(refused > 4 * same);
}

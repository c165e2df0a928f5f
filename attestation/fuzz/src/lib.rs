// SPDX-License-Identifier: Apache-2.0
//! What the fuzz targets do, and what must hold of every input. A test of tee-dcap includes this file
//! and runs it on the committed corpus, with real signatures.
//!
//! The files in `collateral` are the simulator's, by which inputs are judged: of the development
//! root, for both authorities.

use std::{fmt::Debug, sync::LazyLock};

use codec::{Decode, Encode, MaxEncodedLen};
use tee_dcap::{
    check_root, quote_len, verify_pck_crl, verify_qe_identity, verify_quote, verify_root_crl,
    verify_tcb_info, Collateral, Crl, Error, PckCa, QeIdentity, Quote, TcbInfo, Verdict,
};
use tee_primitives::attestation::tcb::TcbStatus;

/// 2026-01-01T01:00:00Z: when inputs are judged.
pub const NOW: u64 = 1_767_229_200;

/// The development root.
pub const ROOT: &[u8] = include_bytes!("../collateral/root.der");
/// Its list of revoked certificates.
pub const ROOT_CRL: &[u8] = include_bytes!("../collateral/root_crl.der");
/// The list of the authority for machines with one package.
pub const PROCESSOR_CRL: &[u8] = include_bytes!("../collateral/processor_crl.der");
/// Its chain.
pub const PROCESSOR_CHAIN: &[u8] = include_bytes!("../collateral/processor_chain.pem");
/// The list of the authority for other machines.
pub const PLATFORM_CRL: &[u8] = include_bytes!("../collateral/platform_crl.der");
/// Its chain.
pub const PLATFORM_CHAIN: &[u8] = include_bytes!("../collateral/platform_chain.pem");
/// TCB levels.
pub const TCB_INFO: &[u8] = include_bytes!("../collateral/tcb_info.json");
/// Their signature.
pub const TCB_INFO_SIGNATURE: &[u8; 64] = include_bytes!("../collateral/tcb_info.signature");
/// What the quoting enclave must show.
pub const QE_IDENTITY: &[u8] = include_bytes!("../collateral/qe_identity.json");
/// Its signature.
pub const QE_IDENTITY_SIGNATURE: &[u8; 64] = include_bytes!("../collateral/qe_identity.signature");
/// The chain of the signer of both.
pub const SIGNER_CHAIN: &[u8] = include_bytes!("../collateral/signer_chain.pem");
/// A quote that is up to date by all this.
pub const QUOTE: &[u8] = include_bytes!("../collateral/quote");

/// The collateral, verified.
struct Stored {
    root_crl: Crl,
    processor_crl: Crl,
    platform_crl: Crl,
    tcb_info: TcbInfo,
    qe_identity: QeIdentity,
}

static STORED: LazyLock<Stored> = LazyLock::new(|| {
    check_root(ROOT).expect("it is a root");
    let root_crl = verify_root_crl(ROOT, ROOT_CRL, NOW).expect("the root's list is right");
    let list = |crl, chain| verify_pck_crl(ROOT, &root_crl, crl, chain, NOW);
    let processor = list(PROCESSOR_CRL, PROCESSOR_CHAIN).expect("a list of an authority is right");
    let platform = list(PLATFORM_CRL, PLATFORM_CHAIN).expect("a list of an authority is right");
    assert_eq!((processor.0, platform.0), (PckCa::Processor, PckCa::Platform));
    let tcb_info =
        verify_tcb_info(ROOT, &root_crl, TCB_INFO, TCB_INFO_SIGNATURE, SIGNER_CHAIN, NOW);
    let qe_identity =
        verify_qe_identity(ROOT, &root_crl, QE_IDENTITY, QE_IDENTITY_SIGNATURE, SIGNER_CHAIN, NOW);
    Stored {
        processor_crl: processor.1,
        platform_crl: platform.1,
        tcb_info: tcb_info.expect("the TCB levels are right"),
        qe_identity: qe_identity.expect("the quoting enclave's identity is right"),
        root_crl,
    }
});

impl Stored {
    fn by(&self, ca: PckCa) -> Collateral<'_> {
        let Self { root_crl, processor_crl, platform_crl, tcb_info, qe_identity } = self;
        let pck_crl = match ca {
            PckCa::Processor => processor_crl,
            PckCa::Platform => platform_crl,
        };
        Collateral { root_crl, pck_crl, tcb_info, qe_identity }
    }
}

/// Where a quote has its certificates, if it has 32 bytes of authentication data.
const CERTIFICATES: usize = 1_052;

/// A quote: `data` themselves, and `data` with certificates in DER, from which PEM is made here. A
/// fuzzer does not see through base64.
pub fn quote(data: &[u8]) {
    raw_quote(data);
    if let Some((parts, certificates)) = data.split_at_checked(CERTIFICATES) {
        let chain = to_pem(certificates);
        let mut quote = parts.to_vec();
        set_length(&mut quote, CERTIFICATES - 4, chain.len());
        quote.extend(chain);
        let rest = quote.len() - 436;
        set_length(&mut quote, 432, rest);
        raw_quote(&quote);
    }
}

fn set_length(quote: &mut [u8], place: usize, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    quote[place..place + 4].copy_from_slice(&length);
}

/// PEM of certificates in DER that follow each other; what is at the end without being one is the
/// last.
pub fn to_pem(mut der: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    while !der.is_empty() && blocks.len() < 8 {
        let length = match *der {
            [0x30, 0x82, high, low, ..] => usize::from(u16::from_be_bytes([high, low])) + 4,
            _ => der.len(),
        };
        let (first, rest) = der.split_at(length.min(der.len()));
        blocks.push(pem::Pem::new("CERTIFICATE", first));
        der = rest;
    }
    pem::encode_many(&blocks).into_bytes()
}

fn raw_quote(data: &[u8]) {
    let length = quote_len(data);
    assert!(length.is_none_or(|length| length <= data.len()));
    let quote = match Quote::parse(data) {
        Ok(quote) => quote,
        Err(error) => return assert!(!error.sentence().is_empty()),
    };
    assert_eq!(length, Some(data.len()));
    let attributes = quote.check_attributes();
    let hint = quote.pck_hint();
    let judge = |ca, now| verify_quote(&quote, ROOT, &STORED.by(ca), now);
    let verdicts = [PckCa::Processor, PckCa::Platform].map(|ca| (ca, judge(ca, NOW)));
    // A platform has one authority.
    assert!(!verdicts.iter().all(|(_, verdict)| verdict.is_ok()));
    for (ca, verdict) in verdicts {
        let Ok(verdict) = verdict else { continue };
        assert_eq!(attributes, Ok(()));
        let hint = hint.expect("what is accepted could be looked up");
        assert_eq!((hint.ca, hint.fmspc), (ca, verdict.fmspc));
        check_verdict(&verdict, |now| judge(ca, now));
    }
}

/// What holds of everything that is accepted.
fn check_verdict(verdict: &Verdict, judge: impl Fn(u64) -> Result<Verdict, Error>) {
    assert_ne!(verdict.tcb.status, TcbStatus::Revoked);
    assert!(verdict.valid_until >= NOW);
    assert_eq!(judge(NOW).as_ref(), Ok(verdict));
    if verdict.valid_until > NOW {
        assert_eq!(judge(verdict.valid_until - 1).as_ref(), Ok(verdict));
    }
    assert!(judge(verdict.valid_until + 1).is_err());
}

/// What is kept of a document can be stored and read again.
fn check_stored<T: Encode + Decode + MaxEncodedLen + PartialEq + Debug>(value: &T) {
    let encoded = value.encode();
    assert!(encoded.len() <= T::max_encoded_len());
    assert_eq!(T::decode(&mut &encoded[..]).as_ref(), Ok(value));
}

/// A part of an input, with its length in front.
fn part<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = data.split_first_chunk().unwrap_or((&[0; 2], data));
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (part, rest) = rest.split_at(length);
    *data = rest;
    part
}

/// A document. The lowest two bits of the first byte say which one; by the third, its chain is in
/// DER. The rest is:
///
/// | | |
/// |---|---|
/// | 0, the root's list | the list |
/// | 1, an authority's list | length (u16) and list, chain |
/// | 2, TCB levels; 3, identity of the quoting enclave | signature (64 bytes), length (u16) and JSON, chain |
pub fn collateral(data: &[u8]) {
    let Some((kind, mut rest)) = data.split_first() else { return };
    let chain = |rest: &[u8]| if kind & 4 == 0 { rest.to_vec() } else { to_pem(rest) };
    let good = STORED.by(PckCa::Processor);
    let quote = Quote::parse(QUOTE).expect("the quote is right");
    let check = |collateral: Collateral<'_>| {
        let judge = |now| verify_quote(&quote, ROOT, &collateral, now);
        if let Ok(verdict) = judge(NOW) {
            check_verdict(&verdict, judge);
        }
    };
    match kind & 3 {
        0 => {
            if let Ok(root_crl) = verify_root_crl(ROOT, rest, NOW) {
                check_list(&root_crl);
                check(Collateral { root_crl: &root_crl, ..good });
            }
        }
        1 => {
            let list = part(&mut rest);
            let verified = verify_pck_crl(ROOT, good.root_crl, list, &chain(rest), NOW);
            if let Ok((_, pck_crl)) = verified {
                check_list(&pck_crl);
                check(Collateral { pck_crl: &pck_crl, ..good });
            }
        }
        kind => {
            let Some((signature, mut rest)) = rest.split_first_chunk() else { return };
            let json = part(&mut rest);
            let chain = chain(rest);
            if kind == 2 {
                let verified = verify_tcb_info(ROOT, good.root_crl, json, signature, &chain, NOW);
                if let Ok(tcb_info) = verified {
                    check_stored(&tcb_info);
                    assert!((tcb_info.issued..=tcb_info.expires).contains(&NOW));
                    let levels = &tcb_info.levels;
                    assert!(levels.is_sorted_by(|a, b| {
                        (a.components, a.pce_svn) >= (b.components, b.pce_svn)
                    }));
                    check(Collateral { tcb_info: &tcb_info, ..good });
                }
            } else {
                let verified =
                    verify_qe_identity(ROOT, good.root_crl, json, signature, &chain, NOW);
                if let Ok(qe_identity) = verified {
                    check_stored(&qe_identity);
                    assert!((qe_identity.issued..=qe_identity.expires).contains(&NOW));
                    check(Collateral { qe_identity: &qe_identity, ..good });
                }
            }
        }
    }
}

fn check_list(list: &Crl) {
    check_stored(list);
    assert!((list.issued..list.expires).contains(&NOW));
    assert!(list.revoked.is_sorted());
}

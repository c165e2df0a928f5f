// SPDX-License-Identifier: Apache-2.0
//! What the tests share: both verifiers, and the keys of the development root.
#![allow(dead_code)]

pub mod der;
pub mod keys;
pub mod reasons;

use dcap_qvl::{
    configs::RustCryptoConfig, verify::QuoteVerifier, QuoteClaims, QuoteCollateralV3, QuotePolicy,
};
use tee_dcap::{
    verify_pck_crl, verify_qe_identity, verify_quote, verify_root_crl, verify_tcb_info, Collateral,
    Crl, Error, QeIdentity, Quote, TcbInfo, Verdict,
};
use tee_primitives::attestation::{collateral::PckCa, tcb::TcbStatus};
use tee_simulator::{
    layout, Authority, Collateral as Signed, CollateralOptions, EnclaveIdentity, Machine,
};

/// 2026-01-01T00:00:00Z: when collateral is issued.
pub const ISSUED: u64 = 1_767_225_600;

/// When it is used.
pub const NOW: u64 = ISSUED + 3_600;

/// What the enclave says.
pub const REPORT_DATA: [u8; 64] =
    *b"REPORTDATA of 64 bytes, as an enclave writes it into its report.";

/// The enclave that quotes are about.
pub fn enclave() -> EnclaveIdentity {
    EnclaveIdentity { mr_enclave: [0xe1; 32], mr_signer: [0x51; 32], isv_prod_id: 7, isv_svn: 3 }
}

/// A quote of a machine.
pub fn quote_of(machine: &Machine) -> Vec<u8> {
    machine.quote(&enclave(), &REPORT_DATA)
}

/// Collateral in which nothing is wrong.
pub fn good_collateral() -> Signed {
    Authority::development().collateral(&CollateralOptions::new(ISSUED))
}

/// Collateral in the oracle's form.
pub fn form(collateral: &Signed) -> QuoteCollateralV3 {
    QuoteCollateralV3 {
        pck_crl_issuer_chain: collateral.pck_crl_issuer_chain.clone(),
        root_ca_crl: collateral.root_crl.clone(),
        pck_crl: collateral.pck_crl.clone(),
        tcb_info_issuer_chain: collateral.tcb_info_issuer_chain.clone(),
        tcb_info: collateral.tcb_info.clone(),
        tcb_info_signature: collateral.tcb_info_signature.to_vec(),
        qe_identity_issuer_chain: collateral.qe_identity_issuer_chain.clone(),
        qe_identity: collateral.qe_identity.clone(),
        qe_identity_signature: collateral.qe_identity_signature.to_vec(),
        pck_certificate_chain: None,
    }
}

/// What dcap-qvl says, the oracle, without any policy.
pub fn oracle_under(
    root: &[u8],
    quote: &[u8],
    collateral: &QuoteCollateralV3,
    now: u64,
) -> Result<QuoteClaims, String> {
    let verifier = QuoteVerifier::<RustCryptoConfig>::new_with_config(root.to_vec());
    verifier
        .verify_with_policy(quote, collateral.clone(), now, &QuotePolicy::claims_only(now))
        .map_err(|error| format!("{error:#}"))
}

/// Collateral that was verified, and can be kept.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Whose certificates the list is about that is not the root's.
    pub ca: PckCa,
    /// The root's list.
    pub root_crl: Crl,
    /// The other.
    pub pck_crl: Crl,
    /// The TCB levels.
    pub tcb_info: TcbInfo,
    /// What the quoting enclave must show.
    pub qe_identity: QeIdentity,
}

impl Stored {
    /// Verifies collateral.
    pub fn new(root: &[u8], collateral: &Signed, now: u64) -> Result<Self, Error> {
        let Signed {
            root_crl,
            pck_crl,
            pck_crl_issuer_chain,
            tcb_info,
            tcb_info_signature,
            tcb_info_issuer_chain,
            qe_identity,
            qe_identity_signature,
            qe_identity_issuer_chain,
        } = collateral;
        let root_crl = verify_root_crl(root, root_crl, now)?;
        let chain = pck_crl_issuer_chain.as_bytes();
        let (ca, pck_crl) = verify_pck_crl(root, &root_crl, pck_crl, chain, now)?;
        let (json, chain) = (tcb_info.as_bytes(), tcb_info_issuer_chain.as_bytes());
        let tcb_info = verify_tcb_info(root, &root_crl, json, tcb_info_signature, chain, now)?;
        let (json, chain) = (qe_identity.as_bytes(), qe_identity_issuer_chain.as_bytes());
        let qe_identity =
            verify_qe_identity(root, &root_crl, json, qe_identity_signature, chain, now)?;
        Ok(Self { ca, root_crl, pck_crl, tcb_info, qe_identity })
    }

    /// The form that a verdict takes.
    pub fn collateral(&self) -> Collateral<'_> {
        Collateral {
            root_crl: &self.root_crl,
            pck_crl: &self.pck_crl,
            tcb_info: &self.tcb_info,
            qe_identity: &self.qe_identity,
        }
    }

    /// Judges a quote.
    pub fn judge(&self, root: &[u8], quote: &[u8], now: u64) -> Result<Verdict, Error> {
        verify_quote(&Quote::parse(quote)?, root, &self.collateral(), now)
    }
}

/// What tee-dcap says: collateral and quote at once, under the development root.
pub fn ours(quote: &[u8], collateral: &Signed, now: u64) -> Result<Verdict, Error> {
    let authority = Authority::development();
    let root = authority.root_der();
    // What is wrong with the quote alone comes first, as for a caller with stored collateral.
    Quote::parse(quote)?;
    Stored::new(root, collateral, now)?.judge(root, quote, now)
}

/// A status as Intel's documents write it.
pub fn name(status: TcbStatus) -> String {
    serde_json::to_value(status).unwrap().as_str().unwrap().into()
}

/// Advisories as text.
pub fn ids(verdict: &Verdict) -> Vec<String> {
    let text = |id: &[u8]| String::from_utf8(id.to_vec()).unwrap();
    verdict.tcb.advisories.iter().map(|id| text(id)).collect()
}

/// The oracle's advisories, each once. Both verifiers join those of the platform's level and, behind
/// them, those of the quoting enclave's that are not there yet; so they are compared as lists, which
/// is more than as sets. One that a level names twice is there twice for the oracle.
pub fn oracle_ids(claims: &QuoteClaims) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for id in &claims.tcb.advisory_ids {
        if !all.contains(id) {
            all.push(id.clone());
        }
    }
    all
}

/// Up to when weaknesses are patched, by what the oracle says of both levels: the platform's date, or
/// the quoting enclave's if that is out of date for longer.
pub fn oracle_date(claims: &QuoteClaims) -> u64 {
    let (platform, qe) = (claims.platform.tcb_date_tag, &claims.qe.tcb_level);
    if qe.tcb_status.to_string().starts_with("OutOfDate") {
        let date = chrono::DateTime::parse_from_rfc3339(&qe.tcb_date).unwrap();
        platform.min(date.timestamp().try_into().unwrap())
    } else {
        platform
    }
}

/// A chain of certificates in PEM.
pub fn pem(chain: &[&[u8]]) -> Vec<u8> {
    let blocks = chain.iter().map(|der| pem::Pem::new("CERTIFICATE", *der)).collect::<Vec<_>>();
    pem::encode_many(&blocks).into_bytes()
}

/// The certificates of a text.
pub fn from_pem(text: &[u8]) -> Vec<Vec<u8>> {
    pem::parse_many(text).unwrap().into_iter().map(pem::Pem::into_contents).collect()
}

/// Where a quote has the type of its certification data. Their length and they themselves follow.
pub const CERTIFICATION_TYPE: usize = layout::AUTH_DATA_LEN + 2 + 32;

/// A quote with other certification data.
pub fn with_certification(quote: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut quote = quote[..CERTIFICATION_TYPE].to_vec();
    quote.extend(kind.to_le_bytes());
    quote.extend(length(data));
    quote.extend(data);
    let rest = length(&quote[layout::SIGNATURE..]);
    quote[layout::SIGNATURE_DATA_LEN..layout::SIGNATURE].copy_from_slice(&rest);
    quote
}

/// A quote with another chain of certificates.
pub fn with_chain(quote: &[u8], chain: &[&[u8]]) -> Vec<u8> {
    with_certification(quote, 5, &pem(chain))
}

/// A quote of machine 0 with other bytes in its enclave's report, signed anew.
pub fn with_report(quote: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut quote = quote.to_vec();
    let start = layout::REPORT + offset;
    quote[start..start + bytes.len()].copy_from_slice(bytes);
    let signature = keys::sign(&keys::attestation(), &quote[..layout::SIGNED_LEN]);
    quote[layout::SIGNATURE..layout::ATTESTATION_KEY].copy_from_slice(&signature);
    quote
}

/// Collateral with other TCB levels, signed anew.
pub fn with_tcb_info(change: impl FnOnce(&str) -> String) -> Signed {
    let mut collateral = good_collateral();
    let changed = change(&collateral.tcb_info);
    assert_ne!(changed, collateral.tcb_info);
    collateral.tcb_info_signature = keys::sign(&keys::tcb_signer(), changed.as_bytes());
    collateral.tcb_info = changed;
    collateral
}

/// Collateral with another identity of the quoting enclave, signed anew.
pub fn with_qe_identity(change: impl FnOnce(&str) -> String) -> Signed {
    let mut collateral = good_collateral();
    let changed = change(&collateral.qe_identity);
    assert_ne!(changed, collateral.qe_identity);
    collateral.qe_identity_signature = keys::sign(&keys::tcb_signer(), changed.as_bytes());
    collateral.qe_identity = changed;
    collateral
}

// SPDX-License-Identifier: Apache-2.0
//! A quote of Intel's hardware with Intel's collateral: the sample in dcap-qvl's package.

mod common;

use std::{fs, path::PathBuf, sync::LazyLock};

use cargo_metadata::MetadataCommand;
use common::{form, ids, name, oracle_date, oracle_ids, oracle_under, Stored};
use sp_crypto_hashing::sha2_256;
use tee_dcap::{check_root, quote_len, Error, Quote, INTEL_ROOT_CA};
use tee_primitives::attestation::{collateral::PckCa, tcb::TcbStatus};
use tee_simulator::{Authority, Collateral};

/// 2025-06-27: the sample's collateral is valid.
const VALID: u64 = 1_751_000_000;

/// 2026-11-18: it is not.
const LATER: u64 = 1_795_000_000;

/// The folder of the sample, from the package that cargo has unpacked.
fn folder() -> PathBuf {
    let metadata = MetadataCommand::new()
        .manifest_path(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .other_options(["--offline".into()])
        .exec()
        .unwrap();
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "dcap-qvl");
    package.unwrap().manifest_path.parent().unwrap().join("sample").into()
}

/// The quote and its collateral.
static SAMPLE: LazyLock<(Vec<u8>, Collateral)> = LazyLock::new(|| {
    let folder = folder();
    let quote = fs::read(folder.join("sgx_quote")).unwrap();
    let json = fs::read(folder.join("sgx_quote_collateral.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let text = |field: &str| json[field].as_str().unwrap().to_owned();
    let bytes = |field: &str| hex::decode(text(field)).unwrap();
    let collateral = Collateral {
        root_crl: bytes("root_ca_crl"),
        pck_crl: bytes("pck_crl"),
        pck_crl_issuer_chain: text("pck_crl_issuer_chain"),
        tcb_info: text("tcb_info"),
        tcb_info_signature: bytes("tcb_info_signature").try_into().unwrap(),
        tcb_info_issuer_chain: text("tcb_info_issuer_chain"),
        qe_identity: text("qe_identity"),
        qe_identity_signature: bytes("qe_identity_signature").try_into().unwrap(),
        qe_identity_issuer_chain: text("qe_identity_issuer_chain"),
    };
    (quote, collateral)
});

#[test]
fn the_root_is_intels() {
    let fingerprint = hex::encode(sha2_256(INTEL_ROOT_CA));
    assert_eq!(fingerprint, "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
    assert_eq!(check_root(INTEL_ROOT_CA), Ok(()));
}

#[test]
fn intels_sample_is_judged_as_the_oracle_judges_it() {
    let (quote, collateral) = &*SAMPLE;
    let stored = Stored::new(INTEL_ROOT_CA, collateral, VALID).unwrap();
    let verdict = stored.judge(INTEL_ROOT_CA, quote, VALID).unwrap();
    let claims = oracle_under(INTEL_ROOT_CA, quote, &form(collateral), VALID).unwrap();
    println!("{} {:?}", claims.tcb.status, claims.tcb.advisory_ids);
    assert_eq!(verdict.tcb.status, TcbStatus::ConfigurationAndSwHardeningNeeded);
    assert_eq!(name(verdict.tcb.status), claims.tcb.status.to_string());
    assert_eq!(ids(&verdict), oracle_ids(&claims));
    assert!(!claims.tcb.advisory_ids.is_empty());
    assert_eq!(hex::encode_upper(verdict.fmspc), "00A067110000");
    assert!((VALID..LATER).contains(&verdict.valid_until));
    assert_eq!(verdict.valid_until, claims.earliest_expiration_date);
    assert_eq!(verdict.tcb.evaluation_number, claims.tcb.eval_data_number);
    assert_eq!(verdict.tcb.date, oracle_date(&claims));
}

#[test]
fn intels_sample_says_by_what_it_is_to_be_judged() {
    let (quote, collateral) = &*SAMPLE;
    assert_eq!(quote_len(quote), Some(quote.len()));
    let hint = Quote::parse(quote).unwrap().pck_hint().unwrap();
    assert_eq!(hex::encode_upper(hint.fmspc), "00A067110000");
    assert_eq!(hint.ca, PckCa::Processor);
    let stored = Stored::new(INTEL_ROOT_CA, collateral, VALID).unwrap();
    assert_eq!((stored.ca, stored.tcb_info.fmspc), (hint.ca, hint.fmspc));
}

#[test]
fn intels_sample_counts_until_its_collateral_ends() {
    let (quote, collateral) = &*SAMPLE;
    let stored = Stored::new(INTEL_ROOT_CA, collateral, VALID).unwrap();
    let verdict = stored.judge(INTEL_ROOT_CA, quote, VALID).unwrap();
    let judge = |now| stored.judge(INTEL_ROOT_CA, quote, now);
    for now in [verdict.valid_until - 1, verdict.valid_until, verdict.valid_until + 1, LATER] {
        let theirs = oracle_under(INTEL_ROOT_CA, quote, &form(collateral), now);
        assert_eq!(judge(now).is_ok(), theirs.is_ok(), "{now}: {theirs:?}");
    }
    assert!(judge(verdict.valid_until - 1).is_ok());
    assert!(judge(verdict.valid_until + 1).is_err());
    assert_eq!(judge(LATER), Err(Error::CrlExpired));
    assert!(Stored::new(INTEL_ROOT_CA, collateral, LATER).is_err());
}

#[test]
fn intels_sample_is_nothing_under_another_root() {
    let (quote, collateral) = &*SAMPLE;
    let authority = Authority::development();
    assert!(Stored::new(authority.root_der(), collateral, VALID).is_err());
    let stored = Stored::new(INTEL_ROOT_CA, collateral, VALID).unwrap();
    assert_eq!(stored.judge(authority.root_der(), quote, VALID), Err(Error::RevocationUnknown));
}

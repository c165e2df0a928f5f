// SPDX-License-Identifier: Apache-2.0
//! Verifies what an SGX enclave proves about itself: a quote of version 3 (ECDSA P-256), by the
//! documents that Intel publishes about platforms (DCAP). The same code runs in the chain's runtime, in
//! enclaves and in tools: without std, without a clock, and without a panic on any input.
//!
//! | module | holds |
//! |---|---|
//! | [`quote`] | the layout of a quote, and what is wrong with one at first sight |
//! | [`collateral`] | lists of revoked certificates, TCB levels, the quoting enclave's identity: verified once, and kept in parsed form |
//! | [`verify`] | a quote against collateral |
//! | [`evaluated`] | documents that wait to succeed others |
//! | [`pccs`] | collateral as a caching service answers it |
//! | [`certificate`] | what is read of a certificate |
//! | `chain` | chains of certificates, up to the root |
//! | `sgx_extension` | what Intel writes into a platform's certificate |
//! | `signature` | ECDSA P-256 with SHA-256, the only algorithm of Intel's certificates |
//! | [`error`] | why something is refused |
//!
//! A quote is judged in two steps, because collateral changes once a month and quotes are many. What
//! can change between the steps is looked up at the second: expiry, and the revocation of any
//! certificate on the way, also of those that signed the documents.
//!
//! Sources: Intel SGX ECDSA QuoteLibReference DCAP API, appendix A (quote); Intel SGX PCK
//! Certificate and Certificate Revocation List Profile Specification; Intel's Provisioning
//! Certification Service API, version 4 (JSON documents).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod certificate;
mod chain;
pub mod collateral;
pub mod error;
pub mod evaluated;
pub mod pccs;
pub mod quote;
mod sgx_extension;
mod signature;
mod time;
pub mod verify;

pub use chain::check_root;
pub use collateral::{
    crl::{verify_pck_crl, verify_root_crl, Crl},
    identity::{verify_qe_identity, QeIdentity},
    tcb_info::{verify_tcb_info, TcbInfo},
};
pub use error::Error;
pub use evaluated::Evaluated;
pub use quote::{quote_len, PckHint, Quote, Report, MAX_QUOTE_LEN};
pub use tee_primitives::attestation::collateral::{
    PckCa, MAX_CHAIN_LEN, MAX_CRL_LEN, MAX_JSON_LEN,
};
pub use verify::{verify_quote, Collateral, Verdict};

/// DER of "Intel SGX Root CA", to which every real platform leads. Its SHA-256 fingerprint is
/// `44A0196B2B99F889B8E149E95B807A350E7424964399E885A7CBB8CCFAB674D3`.
pub const INTEL_ROOT_CA: &[u8] = include_bytes!("intel_sgx_root_ca.der");

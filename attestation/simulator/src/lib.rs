// SPDX-License-Identifier: Apache-2.0
//! A root of trust that no hardware made: SGX quotes, certificates and collateral with the bytes of
//! real ones, and a PCCS that serves them.
//!
//! **For development only. It protects nothing**: everything comes from a seed, and that of
//! [`Authority::development`] is published here. A chain or enclave that trusts this root trusts
//! everybody.
//!
//! | module | owns |
//! |---|---|
//! | [`authority`] | the root, the two PCK CAs and the TCB signer |
//! | [`machine`] | a platform with its PCK certificate and its keys, which makes quotes |
//! | [`layout`] | where things are in a quote of version 3 |
//! | [`status`] | TCB statuses, and the levels that give them |
//! | [`collateral`] | TCB info, QE identity and CRLs |
//! | [`quote_fault`] | every way in which a quote can be wrong |
//! | [`collateral_fault`] | every way in which collateral can be wrong |
//! | [`pccs`] | the HTTP server |
//!
//! The same seed gives the same bytes: keys are hashes of it, and ECDSA nonces are those of RFC 6979.
//! Time is an argument. Formats are those of Intel's documents ("Intel SGX ECDSA QuoteLibReference
//! DCAP API", appendix A; "Intel SGX PCK Certificate and CRL Profile Specification"; the PCS API
//! v4) and of what Intel's services answer.

pub mod authority;
mod certificate;
pub mod collateral;
pub mod collateral_fault;
mod crl;
mod derive;
mod document;
mod draft;
pub mod layout;
pub mod machine;
pub mod pccs;
pub mod quote_fault;
mod sgx_extension;
pub mod status;

pub use authority::Authority;
pub use certificate::Serial;
pub use collateral::{Collateral, CollateralOptions};
pub use collateral_fault::{CollateralCheck, CollateralFault, Crl, Document};
pub use draft::malleated;
pub use machine::{EnclaveIdentity, Machine, MachineOptions, PckCa, PlatformFlags, SgxType};
pub use quote_fault::{QuoteCheck, QuoteFault};
pub use status::{QeLevel, TcbLevel, TcbStatus};

/// The seed of [`Authority::development`]: readable, so that a search finds it in a binary that
/// should not contain it.
pub const DEVELOPMENT_SEED: [u8; 32] = *b"TIP500 DEVELOPMENT: NOT A SECRET";

/// FMSPC (family, model, stepping, platform, custom SKU) of machines by default. No processor has
/// it.
pub const DEVELOPMENT_FMSPC: [u8; 6] = [0x00, 0xde, 0x00, 0x00, 0xf0, 0x0d];

/// MRSIGNER of the quoting enclave of machines; Intel's is another.
pub const QE_MRSIGNER: [u8; 32] = *b"TIP500 DEV QE MRSIGNER NOT INTEL";

/// MRENCLAVE of the quoting enclave of machines.
pub const QE_MRENCLAVE: [u8; 32] = *b"TIP500 DEV QE MRENCLAVE NO INTEL";

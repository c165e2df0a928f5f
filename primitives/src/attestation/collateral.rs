// SPDX-License-Identifier: Apache-2.0
//! The documents by which quotes are judged, as they come from a Provisioning Certificate Caching
//! Service (PCCS): all are signed under the root of trust, so it does not matter who brings them.

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::record::Fmspc;

/// Longest list of revoked certificates, in bytes.
pub const MAX_CRL_LEN: u32 = 65_536;

/// Longest TCB Info or identity of the quoting enclave, in bytes.
pub const MAX_JSON_LEN: u32 = 32_768;

/// Longest chain of certificates, in bytes of PEM.
pub const MAX_CHAIN_LEN: u32 = 8_192;

/// A list of revoked certificates, DER.
pub type CrlBytes = BoundedVec<u8, ConstU32<MAX_CRL_LEN>>;

/// A signed JSON document, exactly as it was signed.
pub type JsonBytes = BoundedVec<u8, ConstU32<MAX_JSON_LEN>>;

/// Certificates, PEM, the signer's first.
pub type ChainBytes = BoundedVec<u8, ConstU32<MAX_CHAIN_LEN>>;

/// ECDSA P-256 signature, `r ‖ s`.
pub type JsonSignature = [u8; 64];

/// Which of Intel's authorities certifies a platform's key.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    TypeInfo,
)]
pub enum PckCa {
    /// Platforms with one processor package.
    #[codec(index = 0)]
    Processor,
    /// Platforms with several processor packages.
    #[codec(index = 1)]
    Platform,
}

impl PckCa {
    /// Its name in requests to a PCCS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Platform => "platform",
        }
    }
}

/// One document.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub enum CollateralItem {
    /// Certificates that the root has revoked. Everything else is checked against it, so it comes
    /// first.
    #[codec(index = 0)]
    RootCrl {
        /// The list.
        crl: CrlBytes,
    },
    /// Certificates of platforms that one of Intel's authorities has revoked.
    #[codec(index = 1)]
    PckCrl {
        /// The list.
        crl: CrlBytes,
        /// The authority's certificates.
        issuer_chain: ChainBytes,
    },
    /// The TCB levels of one type of platform.
    #[codec(index = 2)]
    TcbInfo {
        /// The document (version 3).
        json: JsonBytes,
        /// Its signature.
        signature: JsonSignature,
        /// Its signer's certificates.
        issuer_chain: ChainBytes,
    },
    /// What Intel's quoting enclave must show.
    #[codec(index = 3)]
    QeIdentity {
        /// The document (version 2).
        json: JsonBytes,
        /// Its signature.
        signature: JsonSignature,
        /// Its signer's certificates.
        issuer_chain: ChainBytes,
    },
}

/// Names one of the documents that the chain keeps.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    TypeInfo,
)]
pub enum CollateralId {
    /// Certificates that the root has revoked.
    #[codec(index = 0)]
    RootCrl,
    /// Certificates of platforms that an authority has revoked.
    #[codec(index = 1)]
    PckCrl(PckCa),
    /// The TCB levels of a type of platform.
    #[codec(index = 2)]
    TcbInfo(Fmspc),
    /// What Intel's quoting enclave must show.
    #[codec(index = 3)]
    QeIdentity,
}

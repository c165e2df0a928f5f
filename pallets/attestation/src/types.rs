// SPDX-License-Identifier: Apache-2.0
//! What the pallet stores and shows.

use codec::{Decode, Encode};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;
use sp_runtime::AccountId32;
use tee_primitives::attestation::{
    collateral::CollateralId,
    record::{AttestationRecord, NotLive},
};

pub use tee_dcap::evaluated::{Dated, Evaluated, Waiting};

/// Longest quote, in bytes. Intel's are about 4,600.
pub const MAX_QUOTE_LEN: u32 = tee_dcap::MAX_QUOTE_LEN;

/// Longest certificate of a root, in bytes.
pub const MAX_ROOT_LEN: u32 = 1_024;

/// Most entries that a view function lists.
pub(crate) const MAX_LISTED: usize = 1_000;

/// A quote.
pub type QuoteBytes = BoundedVec<u8, ConstU32<MAX_QUOTE_LEN>>;

/// DER of a root's certificate.
pub type RootCertificate = BoundedVec<u8, ConstU32<MAX_ROOT_LEN>>;

/// A measurement that counts from the first block on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisMeasurement {
    /// The measurement.
    pub mr_enclave: H256,
    /// SHA-256 of the key that signed the enclave.
    pub mr_signer: H256,
    /// The product.
    pub isv_prod_id: u16,
    /// The lowest security version that counts.
    pub min_isv_svn: u16,
}

/// An attestation, as people see it.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct AttestationStatus {
    /// The attestation.
    pub record: AttestationRecord<AccountId32>,
    /// Why it does not count, if it does not.
    pub not_live: Option<NotLive>,
}

/// A document, as people see it.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct CollateralStatus {
    /// Which one.
    pub id: CollateralId,
    /// When it was issued, in seconds since the Unix epoch.
    pub issued: u64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires: u64,
    /// Its evaluation number; 0 for lists of revoked certificates.
    pub evaluation_number: u32,
    /// The evaluation number that is waiting, and from when on it counts.
    pub waiting: Option<(u32, u64)>,
}

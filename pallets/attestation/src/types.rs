// SPDX-License-Identifier: Apache-2.0
//! What the pallet stores and shows.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;
use sp_runtime::AccountId32;
use tee_dcap::{Crl, QeIdentity, TcbInfo};
use tee_primitives::attestation::{
    collateral::CollateralId,
    record::{AttestationRecord, NotLive},
};

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

/// A document that judges TCBs: the one that counts, and the one of a higher evaluation number that
/// will.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Evaluated<Document> {
    /// Counts until the next one does.
    pub current: Document,
    /// Counts from its time on.
    pub next: Option<Waiting<Document>>,
}

/// A document of a higher evaluation number.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Waiting<Document> {
    /// The document.
    pub document: Document,
    /// From when on it counts, in seconds since the Unix epoch.
    pub acts_from: u64,
}

/// A document with dates and an evaluation number.
pub trait Dated {
    /// When it was issued, in seconds since the Unix epoch.
    fn issued(&self) -> u64;

    /// Until when it is valid, in seconds since the Unix epoch.
    fn expires(&self) -> u64;

    /// Its evaluation number; 0 for lists of revoked certificates.
    fn evaluation_number(&self) -> u32;

    /// Whether it is no longer valid at `now`.
    fn is_expired(&self, now: u64) -> bool {
        self.expires() < now
    }

    /// Whether it is time for another one: less than half of its time is left.
    fn is_ageing(&self, now: u64) -> bool {
        let left = self.expires().saturating_sub(now);
        left < self.expires().saturating_sub(self.issued()) / 2
    }
}

macro_rules! dated {
    ($document:ty, $number:expr) => {
        impl Dated for $document {
            fn issued(&self) -> u64 {
                self.issued
            }

            fn expires(&self) -> u64 {
                self.expires
            }

            fn evaluation_number(&self) -> u32 {
                let number: fn(&Self) -> u32 = $number;
                number(self)
            }
        }
    };
}

dated!(Crl, |_| 0);
dated!(TcbInfo, |document| document.evaluation_number);
dated!(QeIdentity, |document| document.evaluation_number);

impl<Document: Dated> Evaluated<Document> {
    /// The document that counts at `now`.
    pub fn at(self, now: u64) -> Document {
        self.settled(now).current
    }

    /// The same after `now`: what has begun to count is the current one. A document that has expired
    /// never takes the place of one that has not, and gives its place up before its time.
    pub(crate) fn settled(self, now: u64) -> Self {
        match self.next {
            Some(next)
                if !next.document.is_expired(now)
                    && (next.acts_from <= now || self.current.is_expired(now)) =>
            {
                Self { current: next.document, next: None }
            }
            next => Self { current: self.current, next },
        }
    }
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

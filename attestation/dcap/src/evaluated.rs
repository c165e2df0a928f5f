// SPDX-License-Identifier: Apache-2.0
//! Documents that are succeeded by others of a higher evaluation number, as the chain keeps them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{Crl, QeIdentity, TcbInfo};

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
    pub fn settled(self, now: u64) -> Self {
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

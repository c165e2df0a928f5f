// SPDX-License-Identifier: Apache-2.0
//! What the chain keeps of an attestation, and when it counts.
//!
//! Whether it counts is computed whenever it is asked for, from values that governance can change:
//! so a decision acts at once, on all enclaves, without a walk over them. The chain and the enclaves
//! run the same function.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{
    tcb::{Tcb, TcbPolicy, TcbRejection},
    LogHead, Measurement,
};
use crate::{traits::AttestationFacts, BlockNumber, Hash};

/// Family, model, stepping, platform type and custom SKU: names a type of platform in Intel's
/// collateral.
pub type Fmspc = [u8; 6];

/// An attestation that the chain has verified.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct AttestationRecord<AccountId> {
    /// For whom the enclave works.
    pub operator: AccountId,
    /// The code and the machine.
    pub facts: AttestationFacts,
    /// The type of platform.
    pub fmspc: Fmspc,
    /// How up to date the platform is.
    pub tcb: Tcb,
    /// The enclave's X25519 public key.
    pub encryption_key: [u8; 32],
    /// SHA-256 of its TLS certificate's public key; zeros without TLS.
    pub tls_spki_hash: Hash,
    /// Random for each start of the enclave.
    pub session: [u8; 32],
    /// Head of its view log.
    pub log_head: LogHead,
    /// The block that the quote names.
    pub quote_block: BlockNumber,
    /// When the chain verified it, in seconds since the Unix epoch.
    pub attested_at: u64,
    /// From when on it no longer counts, in seconds since the Unix epoch.
    pub expires_at: u64,
}

/// A measurement that governance allows, and what else a quote with it must show.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct AllowedMeasurement {
    /// SHA-256 of the key that signed the enclave (Intel SDM vol. 3D, MRSIGNER).
    pub mr_signer: Measurement,
    /// The product (ISVPRODID).
    pub isv_prod_id: u16,
    /// The lowest security version that counts (ISVSVN).
    pub min_isv_svn: u16,
    /// The first block in which it counts.
    pub acts_from: BlockNumber,
}

/// Why an attestation does not count.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub enum NotLive {
    /// The enclave has not attested, or only for another operator.
    Missing,
    /// The attestation, or the collateral that it was judged by, has expired.
    Expired,
    /// Governance does not allow the measurement.
    MeasurementNotAllowed,
    /// Governance has banned the machine.
    PlatformBanned,
    /// The platform is not as up to date as the policy demands.
    Tcb(TcbRejection),
}

/// The values on chain that decide about an attestation, beside the attestation itself.
#[derive(Clone, Debug)]
pub struct Standards<'a> {
    /// What governance has decided about the attestation's measurement, if anything.
    pub measurement: Option<AllowedMeasurement>,
    /// Whether governance has banned the attestation's machine.
    pub is_platform_banned: bool,
    /// Which platforms are accepted.
    pub policy: &'a TcbPolicy,
    /// The current block.
    pub block: BlockNumber,
    /// The current time, in seconds since the Unix epoch.
    pub now: u64,
}

impl<AccountId: PartialEq> AttestationRecord<AccountId> {
    /// Whether the attestation counts.
    pub fn check(&self, standards: &Standards<'_>) -> Result<(), NotLive> {
        if standards.now >= self.expires_at {
            return Err(NotLive::Expired);
        }
        let allowed = standards.measurement.is_some_and(|allowed| {
            allowed.acts_from <= standards.block && allowed.min_isv_svn <= self.facts.isv_svn
        });
        if !allowed {
            return Err(NotLive::MeasurementNotAllowed);
        }
        if standards.is_platform_banned {
            return Err(NotLive::PlatformBanned);
        }
        standards.policy.check(&self.tcb, standards.now).map_err(NotLive::Tcb)
    }
}

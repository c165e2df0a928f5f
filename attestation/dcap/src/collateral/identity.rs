// SPDX-License-Identifier: Apache-2.0
//! What the quoting enclave must show: QE Identity, version 2 (Intel's Provisioning Certification
//! Service API, version 4, "Get QE Identity").

use alloc::{string::String, vec::Vec};

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::Deserialize;
use tee_primitives::attestation::tcb::{Advisories, TcbStatus};

use super::{
    crl::Crl,
    document::{advisories, check_window, hex, Signed, Signer, Stamp, MAX_LEVELS},
};
use crate::{quote::Report, signature::SIGNATURE_LEN, time, Error};

const ID: &str = "QE";
const VERSION: u8 = 2;

/// The document, as Intel signs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: String,
    version: u8,
    issue_date: String,
    next_update: String,
    tcb_evaluation_data_number: u32,
    miscselect: String,
    miscselect_mask: String,
    attributes: String,
    attributes_mask: String,
    mrsigner: String,
    isvprodid: u16,
    tcb_levels: Vec<DocumentLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentLevel {
    tcb: DocumentTcb,
    tcb_date: String,
    tcb_status: TcbStatus,
    #[serde(rename = "advisoryIDs", default)]
    advisory_ids: Vec<String>,
}

#[derive(Deserialize)]
struct DocumentTcb {
    isvsvn: u16,
}

/// A level of the quoting enclave.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct QeLevel {
    /// Security version that it must have at least.
    pub isv_svn: u16,
    /// Up to when known weaknesses are patched, in seconds since the Unix epoch.
    pub date: u64,
    /// What it is worth.
    pub status: TcbStatus,
    /// The advisories that concern it.
    pub advisories: Advisories,
}

/// What the quoting enclave must show.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct QeIdentity {
    /// When it was issued, in seconds since the Unix epoch.
    pub issued: u64,
    /// Until when it and its signer's certificate are valid, in seconds since the Unix epoch.
    pub expires: u64,
    /// Which evaluation of TCBs it is.
    pub evaluation_number: u32,
    /// Who signed it.
    pub signer: Signer,
    /// SHA-256 of the key that signed the quoting enclave.
    pub mr_signer: [u8; 32],
    /// Which of the signer's products it is.
    pub isv_prod_id: u16,
    /// MISCSELECT, where the mask has ones.
    pub misc_select: u32,
    /// Which bits of MISCSELECT count.
    pub misc_select_mask: u32,
    /// ATTRIBUTES, where the mask has ones.
    pub attributes: [u8; 16],
    /// Which bits of ATTRIBUTES count.
    pub attributes_mask: [u8; 16],
    /// Its levels, in the order of the document. The first that is reached counts.
    pub levels: BoundedVec<QeLevel, ConstU32<MAX_LEVELS>>,
}

impl QeIdentity {
    /// The level of a quoting enclave, if it is the one that Intel made.
    pub(crate) fn level_of(&self, report: &Report) -> Result<&QeLevel, Error> {
        if report.mr_signer != self.mr_signer {
            return Err(Error::QeSignerUnknown);
        }
        if report.is_debug() {
            return Err(Error::QeDebug);
        }
        if report.isv_prod_id != self.isv_prod_id {
            return Err(Error::QeProductWrong);
        }
        if (report.misc_select ^ self.misc_select) & self.misc_select_mask != 0 {
            return Err(Error::QeMiscSelectMismatch);
        }
        let attributes = report.attributes.iter().zip(self.attributes).zip(self.attributes_mask);
        if attributes.into_iter().any(|((has, needs), mask)| (has ^ needs) & mask != 0) {
            return Err(Error::QeAttributesMismatch);
        }
        let mut levels = self.levels.iter();
        levels.find(|level| level.isv_svn <= report.isv_svn).ok_or(Error::QeLevelNotFound)
    }

    pub(crate) fn stamp(&self) -> Stamp<'_> {
        Stamp { issued: self.issued, expires: self.expires, signer: &self.signer }
    }
}

/// Verifies what the quoting enclave must show at `now`, in seconds since the Unix epoch. `signature`
/// is over the exact bytes of `json`; `issuer_chain` (PEM) is the signer's certificate, and the
/// root's may follow.
///
/// Fails with an error about the document, its signer, the root or its list.
pub fn verify_qe_identity(
    root: &[u8],
    root_crl: &Crl,
    json: &[u8],
    signature: &[u8; SIGNATURE_LEN],
    issuer_chain: &[u8],
    now: u64,
) -> Result<QeIdentity, Error> {
    let signed = Signed { json, signature, issuer_chain };
    let document: Document = signed.parse()?;
    if document.id != ID || document.version != VERSION {
        return Err(Error::CollateralKindUnsupported);
    }
    let (issued, expires) =
        (time::parse(&document.issue_date)?, time::parse(&document.next_update)?);
    check_window(issued, expires, now)?;
    let levels = document.tcb_levels.into_iter().map(level).collect::<Result<Vec<_>, Error>>()?;
    let signer = signed.verify(root, root_crl, now)?;
    // Little-endian, like the report's.
    let little_endian = |text: &str| hex(text).map(u32::from_le_bytes);
    Ok(QeIdentity {
        issued,
        expires: expires.min(signer.validity.not_after),
        evaluation_number: document.tcb_evaluation_data_number,
        signer,
        mr_signer: hex(&document.mrsigner)?,
        isv_prod_id: document.isvprodid,
        misc_select: little_endian(&document.miscselect)?,
        misc_select_mask: little_endian(&document.miscselect_mask)?,
        attributes: hex(&document.attributes)?,
        attributes_mask: hex(&document.attributes_mask)?,
        levels: levels.try_into().map_err(|_| Error::CollateralTooLarge)?,
    })
}

fn level(level: DocumentLevel) -> Result<QeLevel, Error> {
    use TcbStatus::*;
    match level.tcb_status {
        UpToDate | ConfigurationNeeded | OutOfDate | OutOfDateConfigurationNeeded | Revoked => (),
        // Whoever uses a quoting enclave cannot harden it.
        SwHardeningNeeded | ConfigurationAndSwHardeningNeeded => {
            return Err(Error::CollateralMalformed)
        }
    }
    Ok(QeLevel {
        isv_svn: level.tcb.isvsvn,
        date: time::parse(&level.tcb_date)?,
        status: level.tcb_status,
        advisories: advisories(level.advisory_ids)?,
    })
}

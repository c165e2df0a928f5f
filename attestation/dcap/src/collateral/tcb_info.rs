// SPDX-License-Identifier: Apache-2.0
//! The TCB levels of a type of platform: TCB Info, version 3 (Intel's Provisioning Certification
//! Service API, version 4, "Get TCB Info").

use alloc::{string::String, vec::Vec};
use core::cmp::Reverse;

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::Deserialize;
use tee_primitives::attestation::{
    record::Fmspc,
    tcb::{Advisories, TcbStatus},
};

use super::{
    crl::Crl,
    document::{advisories, check_window, hex, Signed, Signer, Stamp, MAX_LEVELS},
};
use crate::{sgx_extension::SgxExtension, signature::SIGNATURE_LEN, time, Error};

const ID: &str = "SGX";
const VERSION: u8 = 3;
/// How TCBs are compared: by components, each of which must be reached.
const TCB_TYPE: u32 = 0;

/// The document, as Intel signs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: String,
    version: u8,
    issue_date: String,
    next_update: String,
    fmspc: String,
    pce_id: String,
    tcb_type: u32,
    tcb_evaluation_data_number: u32,
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
    sgxtcbcomponents: [Component; 16],
    pcesvn: u16,
}

#[derive(Deserialize)]
struct Component {
    svn: u8,
}

/// A level: what a platform must have to reach it, and what that says.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct TcbLevel {
    /// Security version that each component must have at least.
    pub components: [u8; 16],
    /// Security version that the provisioning enclave must have at least.
    pub pce_svn: u16,
    /// Up to when known weaknesses are patched, in seconds since the Unix epoch.
    pub date: u64,
    /// What it is worth.
    pub status: TcbStatus,
    /// The advisories that concern it.
    pub advisories: Advisories,
}

/// The TCB levels of a type of platform.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct TcbInfo {
    /// When it was issued, in seconds since the Unix epoch.
    pub issued: u64,
    /// Until when it and its signer's certificate are valid, in seconds since the Unix epoch.
    pub expires: u64,
    /// Which evaluation of TCBs it is.
    pub evaluation_number: u32,
    /// The type of platform.
    pub fmspc: Fmspc,
    /// Its provisioning enclave.
    pub pce_id: [u8; 2],
    /// Who signed it.
    pub signer: Signer,
    /// Its levels, the highest first.
    pub levels: BoundedVec<TcbLevel, ConstU32<MAX_LEVELS>>,
}

impl TcbInfo {
    /// The level that a platform reaches.
    pub(crate) fn level_of(&self, platform: &SgxExtension) -> Result<&TcbLevel, Error> {
        if platform.fmspc != self.fmspc {
            return Err(Error::FmspcMismatch);
        }
        if platform.pce_id != self.pce_id {
            return Err(Error::PceIdMismatch);
        }
        self.levels
            .iter()
            .find(|level| {
                level.pce_svn <= platform.pce_svn
                    && level
                        .components
                        .iter()
                        .zip(platform.cpu_svn)
                        .all(|(least, svn)| *least <= svn)
            })
            .ok_or(Error::TcbLevelNotFound)
    }

    pub(crate) fn stamp(&self) -> Stamp<'_> {
        Stamp { issued: self.issued, expires: self.expires, signer: &self.signer }
    }
}

/// Verifies the TCB levels of a type of platform at `now`, in seconds since the Unix epoch.
/// `signature` is over the exact bytes of `json`; `issuer_chain` (PEM) is the signer's certificate,
/// and the root's may follow.
///
/// Fails with an error about the document, its signer, the root or its list.
pub fn verify_tcb_info(
    root: &[u8],
    root_crl: &Crl,
    json: &[u8],
    signature: &[u8; SIGNATURE_LEN],
    issuer_chain: &[u8],
    now: u64,
) -> Result<TcbInfo, Error> {
    let signed = Signed { json, signature, issuer_chain };
    let document: Document = signed.parse()?;
    if document.id != ID || document.version != VERSION || document.tcb_type != TCB_TYPE {
        return Err(Error::CollateralKindUnsupported);
    }
    let (issued, expires) =
        (time::parse(&document.issue_date)?, time::parse(&document.next_update)?);
    check_window(issued, expires, now)?;
    let mut levels = document
        .tcb_levels
        .into_iter()
        .map(|level| {
            Ok(TcbLevel {
                components: level.tcb.sgxtcbcomponents.map(|component| component.svn),
                pce_svn: level.tcb.pcesvn,
                date: time::parse(&level.tcb_date)?,
                status: level.tcb_status,
                advisories: advisories(level.advisory_ids)?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    // As Intel's verifier orders them, whatever their order in the document.
    levels.sort_by_key(|level| Reverse((level.components, level.pce_svn)));
    let signer = signed.verify(root, root_crl, now)?;
    Ok(TcbInfo {
        issued,
        expires: expires.min(signer.validity.not_after),
        evaluation_number: document.tcb_evaluation_data_number,
        fmspc: hex(&document.fmspc)?,
        pce_id: hex(&document.pce_id)?,
        signer,
        levels: levels.try_into().map_err(|_| Error::CollateralTooLarge)?,
    })
}

// SPDX-License-Identifier: Apache-2.0
//! TCB info and QE identity as JSON, in Intel's order of fields. Values have the types they are
//! given, so that wrong ones can be written.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::{
    status::{QeLevel, TcbLevel},
    CollateralOptions, QE_MRSIGNER,
};

/// TCB info of version 3 (Intel PCS API v4, "Get SGX TCB Info").
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TcbInfo {
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) issue_date: String,
    pub(crate) next_update: String,
    pub(crate) fmspc: String,
    pub(crate) pce_id: String,
    pub(crate) tcb_type: u32,
    pub(crate) tcb_evaluation_data_number: u32,
    pub(crate) tcb_levels: Vec<Level<PlatformTcb>>,
}

/// QE identity of version 2 (Intel PCS API v4, "Get SGX QE Identity").
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QeIdentity {
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) issue_date: String,
    pub(crate) next_update: String,
    pub(crate) tcb_evaluation_data_number: u32,
    pub(crate) miscselect: String,
    #[serde(rename = "miscselectMask")]
    pub(crate) miscselect_mask: String,
    pub(crate) attributes: String,
    pub(crate) attributes_mask: String,
    pub(crate) mrsigner: String,
    pub(crate) isvprodid: u32,
    pub(crate) tcb_levels: Vec<Level<QeTcb>>,
}

/// A level of either.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Level<T> {
    pub(crate) tcb: T,
    pub(crate) tcb_date: String,
    pub(crate) tcb_status: String,
    #[serde(rename = "advisoryIDs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) advisory_ids: Vec<String>,
}

/// What a platform must have.
#[derive(Clone, Serialize)]
pub(crate) struct PlatformTcb {
    pub(crate) sgxtcbcomponents: Vec<Component>,
    pub(crate) pcesvn: u32,
}

/// One of its components.
#[derive(Clone, Serialize)]
pub(crate) struct Component {
    pub(crate) svn: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
}

/// What a quoting enclave must have.
#[derive(Clone, Serialize)]
pub(crate) struct QeTcb {
    pub(crate) isvsvn: u32,
}

impl TcbInfo {
    pub(crate) fn new(options: &CollateralOptions) -> Self {
        let (issue_date, next_update) = dates(options);
        Self {
            id: "SGX".into(),
            version: 3,
            issue_date,
            next_update,
            fmspc: hex::encode_upper(options.fmspc),
            pce_id: hex::encode_upper(options.pce_id),
            tcb_type: 0,
            tcb_evaluation_data_number: options.evaluation_number,
            tcb_levels: options.levels.iter().map(platform_level).collect(),
        }
    }
}

impl QeIdentity {
    pub(crate) fn new(options: &CollateralOptions) -> Self {
        let (issue_date, next_update) = dates(options);
        Self {
            id: "QE".into(),
            version: 2,
            issue_date,
            next_update,
            tcb_evaluation_data_number: options.evaluation_number,
            miscselect: "00000000".into(),
            miscselect_mask: "FFFFFFFF".into(),
            // Initialised and entitled to the provisioning key; both modes; no other flag.
            attributes: "11000000000000000000000000000000".into(),
            attributes_mask: "FBFFFFFFFFFFFFFF0000000000000000".into(),
            mrsigner: hex::encode_upper(QE_MRSIGNER),
            isvprodid: 1,
            tcb_levels: options.qe_levels.iter().map(qe_level).collect(),
        }
    }
}

/// As Intel's documents write Unix time. Panics after the year 9999.
pub(crate) fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .expect("a year below 10000")
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn dates(options: &CollateralOptions) -> (String, String) {
    (date(options.issued), date(options.issued + options.valid_for))
}

fn platform_level(level: &TcbLevel) -> Level<PlatformTcb> {
    let component = |(number, svn): (usize, &u8)| {
        let (category, kind) = match number {
            0 => (Some("BIOS"), Some("Early Microcode Update")),
            1 => (Some("OS/VMM"), Some("SGX Late Microcode Update")),
            2 => (Some("OS/VMM"), Some("TXT SINIT")),
            3..=5 => (Some("BIOS"), None),
            _ => (None, None),
        };
        Component { svn: (*svn).into(), category, kind }
    };
    let sgxtcbcomponents = level.components.iter().enumerate().map(component).collect();
    Level {
        tcb: PlatformTcb { sgxtcbcomponents, pcesvn: level.pce_svn.into() },
        tcb_date: date(level.date),
        tcb_status: level.status.name().into(),
        advisory_ids: level.advisories.clone(),
    }
}

fn qe_level(level: &QeLevel) -> Level<QeTcb> {
    Level {
        tcb: QeTcb { isvsvn: level.isv_svn.into() },
        tcb_date: date(level.date),
        tcb_status: level.status.name().into(),
        advisory_ids: level.advisories.clone(),
    }
}

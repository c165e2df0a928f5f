// SPDX-License-Identifier: Apache-2.0
//! What quotes are judged by: two signed JSON documents and two CRLs.

use p256::ecdsa::SigningKey;
use serde::Serialize;

use crate::{
    authority::{Authority, Issuer},
    certificate,
    crl::Crl,
    derive,
    document::{QeIdentity, TcbInfo},
    machine::PckCa,
    status::{default_levels, default_qe_levels},
    QeLevel, Serial, TcbLevel, DEVELOPMENT_FMSPC,
};

/// What collateral says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CollateralOptions {
    /// Issue date of all four parts, Unix time.
    pub issued: u64,
    /// Life of both documents and of the PCK CRL, in seconds. Intel's live 30 days.
    pub valid_for: u64,
    /// Life of the root's CRL, in seconds. Intel's lives about a year.
    pub root_crl_valid_for: u64,
    /// Number of Intel's TCB recovery event that both documents are of.
    pub evaluation_number: u32,
    /// Model of the machines that the TCB info is for.
    pub fmspc: [u8; 6],
    /// Identity of their provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// The CA whose CRL is the PCK CRL.
    pub ca: PckCa,
    /// Number of both CRLs.
    pub crl_number: u32,
    /// Serials in the PCK CRL.
    pub revoked_pck: Vec<Serial>,
    /// Serials in the root's CRL.
    pub revoked_by_root: Vec<Serial>,
    /// Levels of platforms, in the order in which they are written.
    pub levels: Vec<TcbLevel>,
    /// Levels of the quoting enclave, in the order in which they are written.
    pub qe_levels: Vec<QeLevel>,
}

/// One day in seconds.
pub const DAY: u64 = 86_400;

/// The evaluation number by default.
pub const EVALUATION_NUMBER: u32 = 18;

impl CollateralOptions {
    /// Issued at a time (Unix, before the year 10000), valid for 30 days, with default levels,
    /// nothing revoked, for default machines.
    pub fn new(issued: u64) -> Self {
        Self {
            issued,
            valid_for: 30 * DAY,
            root_crl_valid_for: 365 * DAY,
            evaluation_number: EVALUATION_NUMBER,
            fmspc: DEVELOPMENT_FMSPC,
            pce_id: [0; 2],
            ca: PckCa::Processor,
            crl_number: 1,
            revoked_pck: Vec::new(),
            revoked_by_root: Vec::new(),
            levels: default_levels(),
            qe_levels: default_qe_levels(),
        }
    }
}

/// What a PCCS gives. CRLs are DER; issuer chains are PEM, the signer first and the root last;
/// documents are the exact bytes that are signed; signatures are r ‖ s.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Collateral {
    /// CRL of the root.
    pub root_crl: Vec<u8>,
    /// CRL of the PCK CA.
    pub pck_crl: Vec<u8>,
    /// The PCK CA and the root.
    pub pck_crl_issuer_chain: String,
    /// Levels of platforms of one model, JSON.
    pub tcb_info: String,
    /// Signature over `tcb_info`.
    pub tcb_info_signature: [u8; 64],
    /// The TCB signer and the root.
    pub tcb_info_issuer_chain: String,
    /// What the quoting enclave must be, JSON.
    pub qe_identity: String,
    /// Signature over `qe_identity`.
    pub qe_identity_signature: [u8; 64],
    /// The TCB signer and the root.
    pub qe_identity_issuer_chain: String,
}

impl Authority {
    /// Signed collateral. Panics if a time is after the year 9999.
    pub fn collateral(&self, options: &CollateralOptions) -> Collateral {
        Draft::new(self, options).write().sign()
    }
}

impl Collateral {
    /// As JSON, in the form of other tools for DCAP: bytes are hexadecimal.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Form<'a> {
            pck_crl_issuer_chain: &'a str,
            root_ca_crl: String,
            pck_crl: String,
            tcb_info_issuer_chain: &'a str,
            tcb_info: &'a str,
            tcb_info_signature: String,
            qe_identity_issuer_chain: &'a str,
            qe_identity: &'a str,
            qe_identity_signature: String,
        }
        let form = Form {
            pck_crl_issuer_chain: &self.pck_crl_issuer_chain,
            root_ca_crl: hex::encode(&self.root_crl),
            pck_crl: hex::encode(&self.pck_crl),
            tcb_info_issuer_chain: &self.tcb_info_issuer_chain,
            tcb_info: &self.tcb_info,
            tcb_info_signature: hex::encode(self.tcb_info_signature),
            qe_identity_issuer_chain: &self.qe_identity_issuer_chain,
            qe_identity: &self.qe_identity,
            qe_identity_signature: hex::encode(self.qe_identity_signature),
        };
        serde_json::to_string_pretty(&form).expect("strings are JSON")
    }
}

/// Collateral before its documents are written.
pub(crate) struct Draft {
    pub(crate) tcb_info: TcbInfo,
    pub(crate) qe_identity: QeIdentity,
    pub(crate) rest: Unsigned,
}

/// Collateral before it is signed.
pub(crate) struct Unsigned {
    pub(crate) tcb_info: String,
    pub(crate) tcb_info_signer: Signer,
    pub(crate) qe_identity: String,
    pub(crate) qe_identity_signer: Signer,
    pub(crate) root_crl: Crl,
    pub(crate) pck_crl: Crl,
    pub(crate) pck_crl_issuer_chain: String,
}

/// Who signs a document, and the chain that is shown for it.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    pub(crate) chain: String,
}

impl Signer {
    /// A key that the root certifies.
    pub(crate) fn below_root(authority: &Authority, issuer: &Issuer) -> Self {
        Self { key: issuer.key.clone(), chain: chain_below_root(authority, issuer) }
    }
}

impl Draft {
    /// Collateral in which nothing is wrong.
    pub(crate) fn new(authority: &Authority, options: &CollateralOptions) -> Self {
        let crl = |issuer: &Issuer, valid_for, revoked: &Vec<Serial>| Crl {
            issuer: issuer.certificate.clone(),
            key: issuer.key.clone(),
            number: options.crl_number,
            this_update: options.issued,
            next_update: Some(options.issued + valid_for),
            revoked: revoked.clone(),
        };
        let ca = authority.ca(options.ca);
        let signer = Signer::below_root(authority, authority.tcb_signer());
        let rest = Unsigned {
            tcb_info: String::new(),
            tcb_info_signer: signer.clone(),
            qe_identity: String::new(),
            qe_identity_signer: signer,
            root_crl: crl(authority.root(), options.root_crl_valid_for, &options.revoked_by_root),
            pck_crl: crl(ca, options.valid_for, &options.revoked_pck),
            pck_crl_issuer_chain: chain_below_root(authority, ca),
        };
        Self { tcb_info: TcbInfo::new(options), qe_identity: QeIdentity::new(options), rest }
    }

    /// Writes the documents.
    pub(crate) fn write(self) -> Unsigned {
        let written = "numbers and strings are JSON";
        Unsigned {
            tcb_info: serde_json::to_string(&self.tcb_info).expect(written),
            qe_identity: serde_json::to_string(&self.qe_identity).expect(written),
            ..self.rest
        }
    }
}

impl Unsigned {
    /// Signs the documents and the CRLs.
    pub(crate) fn sign(self) -> Collateral {
        let signature =
            |signer: &Signer, document: &str| derive::sign(&signer.key, document.as_bytes());
        Collateral {
            root_crl: self.root_crl.sign(),
            pck_crl: self.pck_crl.sign(),
            pck_crl_issuer_chain: self.pck_crl_issuer_chain,
            tcb_info_signature: signature(&self.tcb_info_signer, &self.tcb_info),
            tcb_info: self.tcb_info,
            tcb_info_issuer_chain: self.tcb_info_signer.chain,
            qe_identity_signature: signature(&self.qe_identity_signer, &self.qe_identity),
            qe_identity: self.qe_identity,
            qe_identity_issuer_chain: self.qe_identity_signer.chain,
        }
    }
}

/// A certificate that the root issued, and the root, in PEM.
pub(crate) fn chain_below_root(authority: &Authority, issuer: &Issuer) -> String {
    certificate::pem([issuer.der.as_slice(), authority.root_der()])
}

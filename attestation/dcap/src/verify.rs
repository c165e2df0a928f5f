// SPDX-License-Identifier: Apache-2.0
//! A quote against collateral. Four signatures: the platform's certificate, its authority's, the
//! quoting enclave's report, and the quote itself.

use rustls_pki_types::CertificateDer;
use sp_crypto_hashing::{blake2_256, sha2_256};
use tee_primitives::attestation::{
    record::Fmspc,
    tcb::{Tcb, TcbStatus},
    PlatformId,
};

use crate::{
    certificate::Certificate,
    chain::{pair, Root},
    collateral::{crl::Crl, identity::QeIdentity, merge, tcb_info::TcbInfo},
    quote::Quote,
    sgx_extension::SgxExtension,
    signature::is_signed_by,
    Error,
};

/// By what a quote is judged.
#[derive(Clone, Copy, Debug)]
pub struct Collateral<'a> {
    /// The root's list of revoked certificates.
    pub root_crl: &'a Crl,
    /// That of the authority that certified the platform.
    pub pck_crl: &'a Crl,
    /// The TCB levels of the type of platform.
    pub tcb_info: &'a TcbInfo,
    /// What the quoting enclave must show.
    pub qe_identity: &'a QeIdentity,
}

impl Collateral<'_> {
    /// Whether all of it counts at `now`, and nobody who signed it is revoked.
    fn check(&self, root: &Root<'_>, now: u64) -> Result<(), Error> {
        root.check(self.root_crl, now)?;
        self.pck_crl.check_window(now)?;
        self.tcb_info.stamp().check(self.root_crl, now)?;
        self.qe_identity.stamp().check(self.root_crl, now)
    }
}

/// What a quote has proven, beside its report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// The type of platform.
    pub fmspc: Fmspc,
    /// The platform.
    pub platform: PlatformId,
    /// How up to date it is. Whether that is enough is the caller's policy.
    pub tcb: Tcb,
    /// When the first of all documents and certificates that were used expires, in seconds since the
    /// Unix epoch.
    pub valid_until: u64,
}

/// Names a platform by its provisioning id, without telling it.
fn platform_id(ppid: &[u8; 16]) -> PlatformId {
    blake2_256(&[&b"TIP500-PLATFORM/1"[..], ppid].concat())
}

/// Verifies a quote at `now`, in seconds since the Unix epoch.
///
/// Fails with an error about the collateral, a certificate, the quoting enclave, the quote or the
/// platform, or like [`Quote::check_attributes`]. A revoked platform is always an error. What other
/// levels are worth is for the caller to judge, and so is which enclave the report is of.
pub fn verify_quote(
    quote: &Quote<'_>,
    root: &[u8],
    collateral: &Collateral<'_>,
    now: u64,
) -> Result<Verdict, Error> {
    let Collateral { root_crl, pck_crl, tcb_info, qe_identity } = *collateral;
    // What costs no signature comes first.
    quote.check_attributes()?;
    let root = CertificateDer::from(root);
    let root = Root::read(&root)?;
    collateral.check(&root, now)?;
    check_qe_report_data(quote)?;
    let qe_level = qe_identity.level_of(quote.qe_report())?;

    let [platform, authority] = pair(quote.certificates())?;
    let platform = Certificate::read(&platform)?;
    let authority = Certificate::read(&authority)?;
    root.check_names(&platform, &authority)?;
    let extension = SgxExtension::of(platform.x509())?;
    let level = tcb_info.level_of(&extension)?;
    let status = converge(level.status, qe_level.status);
    if status == TcbStatus::Revoked {
        return Err(Error::TcbRevoked);
    }
    // What is behind tells how far.
    let is_qe_behind =
        matches!(qe_level.status, TcbStatus::OutOfDate | TcbStatus::OutOfDateConfigurationNeeded);
    let date = if is_qe_behind { level.date.min(qe_level.date) } else { level.date };
    let mut advisories = level.advisories.clone();
    for id in &qe_level.advisories {
        merge(&mut advisories, id)?;
    }

    root.verify_platform(&platform, &authority, now)?;
    root_crl.check_certificate(&root.id(), &authority.serial())?;
    pck_crl.check_certificate(&authority.id(), &platform.serial())?;
    if !platform.has_signed(quote.qe_report_bytes(), quote.qe_report_signature()) {
        return Err(Error::QeReportSignatureInvalid);
    }
    if !is_signed_by(quote.attestation_key(), quote.signed(), quote.signature()) {
        return Err(Error::QuoteSignatureInvalid);
    }

    let ends = [
        root.certificate().validity().not_after,
        root_crl.expires,
        pck_crl.expires,
        tcb_info.expires,
        qe_identity.expires,
        platform.validity().not_after,
        authority.validity().not_after,
    ];
    Ok(Verdict {
        fmspc: extension.fmspc,
        platform: platform_id(&extension.ppid),
        tcb: Tcb {
            status,
            advisories,
            date,
            evaluation_number: tcb_info.evaluation_number.min(qe_identity.evaluation_number),
        },
        valid_until: ends.into_iter().min().unwrap_or(now),
    })
}

/// Whether the quoting enclave has reported the key that signed the quote: REPORTDATA is
/// `sha2_256(key ‖ authentication data)`, and zeros.
fn check_qe_report_data(quote: &Quote<'_>) -> Result<(), Error> {
    let hash = sha2_256(&[&quote.attestation_key()[..], quote.qe_auth_data()].concat());
    let (reported, rest) = quote.qe_report().report_data.split_at(hash.len());
    if *reported == hash && rest.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(Error::QeReportDataMismatch)
    }
}

/// The status of a platform with its quoting enclave. Of the latter, only that it is out of date or
/// revoked counts (Intel's verifier, `convergeTcbStatuses`).
fn converge(platform: TcbStatus, qe: TcbStatus) -> TcbStatus {
    use TcbStatus::*;
    match (qe, platform) {
        (Revoked, _) => Revoked,
        (OutOfDate, UpToDate | SwHardeningNeeded) => OutOfDate,
        (OutOfDate, ConfigurationNeeded | ConfigurationAndSwHardeningNeeded) => {
            OutOfDateConfigurationNeeded
        }
        _ => platform,
    }
}

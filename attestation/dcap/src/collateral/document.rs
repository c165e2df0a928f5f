// SPDX-License-Identifier: Apache-2.0
//! What the two JSON documents have in common: a signer, a time, levels with advisories.

use alloc::{string::String, vec::Vec};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use rustls_pki_types::CertificateDer;
use scale_info::TypeInfo;
use serde::de::DeserializeOwned;
use tee_primitives::attestation::{
    collateral::MAX_JSON_LEN,
    tcb::{Advisories, AdvisoryId},
};

use super::crl::Crl;
use crate::{
    certificate::{AuthorityId, Certificate, Serial, Validity},
    chain::Root,
    signature::SIGNATURE_LEN,
    Error,
};

/// Most levels of a document. Intel's have about twenty.
pub const MAX_LEVELS: u32 = 64;

/// Who signed a document. It is looked up again whenever the document is used.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Signer {
    /// The root that certified it.
    pub issuer: AuthorityId,
    /// Its certificate's serial number.
    pub serial: Serial,
    /// When its certificate is valid.
    pub validity: Validity,
}

impl Signer {
    fn check(&self, root_crl: &Crl, now: u64) -> Result<(), Error> {
        self.validity.check(now)?;
        root_crl.check_certificate(&self.issuer, &self.serial)
    }
}

/// When a document is valid, and who says so.
pub(crate) struct Stamp<'a> {
    pub(crate) issued: u64,
    pub(crate) expires: u64,
    pub(crate) signer: &'a Signer,
}

impl Stamp<'_> {
    /// Whether document and signer count at `now`. The list must have been checked.
    pub(crate) fn check(&self, root_crl: &Crl, now: u64) -> Result<(), Error> {
        self.signer.check(root_crl, now)?;
        check_window(self.issued, self.expires, now)
    }
}

/// A document that is to be verified.
pub(crate) struct Signed<'a> {
    pub(crate) json: &'a [u8],
    pub(crate) signature: &'a [u8; SIGNATURE_LEN],
    /// PEM, the signer's first.
    pub(crate) issuer_chain: &'a [u8],
}

impl Signed<'_> {
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let is_short = u32::try_from(self.json.len()).is_ok_and(|length| length <= MAX_JSON_LEN);
        if !is_short {
            return Err(Error::CollateralTooLarge);
        }
        serde_json::from_slice(self.json).map_err(|_| Error::CollateralMalformed)
    }

    /// Verifies who signed it. These are two signatures.
    pub(crate) fn verify(&self, root: &[u8], root_crl: &Crl, now: u64) -> Result<Signer, Error> {
        let root = CertificateDer::from(root);
        let root = Root::read(&root)?;
        root.check(root_crl, now)?;
        let der = root.single(self.issuer_chain)?;
        let certificate = Certificate::read(&der)?;
        let signer = Signer {
            issuer: root.id(),
            serial: certificate.serial(),
            validity: certificate.validity(),
        };
        signer.check(root_crl, now)?;
        root.verify_signer(&certificate, now)?;
        if certificate.has_signed(self.json, self.signature) {
            Ok(signer)
        } else {
            Err(Error::CollateralSignatureInvalid)
        }
    }
}

/// Whether a document is valid at `now`.
pub(crate) fn check_window(issued: u64, expires: u64, now: u64) -> Result<(), Error> {
    if now < issued {
        return Err(Error::CollateralNotYetValid);
    }
    if now > expires {
        return Err(Error::CollateralExpired);
    }
    Ok(())
}

/// Advisories of a level, without repetitions.
pub(crate) fn advisories(ids: Vec<String>) -> Result<Advisories, Error> {
    let mut all = Advisories::default();
    for id in ids {
        let id = AdvisoryId::try_from(id.into_bytes()).map_err(|_| Error::CollateralTooLarge)?;
        merge(&mut all, &id)?;
    }
    Ok(all)
}

/// Adds an advisory that is not there yet.
pub(crate) fn merge(all: &mut Advisories, id: &AdvisoryId) -> Result<(), Error> {
    if all.contains(id) {
        return Ok(());
    }
    all.try_push(id.clone()).map_err(|_| Error::CollateralTooLarge)
}

/// Bytes of a document, in hexadecimal digits of either case.
pub(crate) fn hex<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    ::hex::decode_to_slice(text, &mut bytes).map_err(|_| Error::CollateralMalformed)?;
    Ok(bytes)
}

// SPDX-License-Identifier: Apache-2.0
//! Lists of revoked certificates (RFC 5280, section 5; Intel SGX PCK Certificate and Certificate
//! Revocation List Profile Specification).

use alloc::vec::Vec;

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use rustls_pki_types::CertificateDer;
use scale_info::TypeInfo;
use tee_primitives::attestation::collateral::{PckCa, MAX_CRL_LEN};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::{
    certificate::Rfc5280,
    crl::CertificateList,
    der::{asn1::UintRef, oid::AssociatedOid, Decode as _},
    ext::pkix::CrlNumber,
};

use crate::{
    certificate::{AuthorityId, Certificate, Serial},
    chain::Root,
    signature::EcdsaP256Sha256,
    Error,
};

/// Most entries of a list. An entry has 20 bytes or more, so no more fit into the longest list.
pub const MAX_REVOKED: u32 = MAX_CRL_LEN / 20;

/// A list that its authority has signed.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Crl {
    /// When it was issued, in seconds since the Unix epoch (thisUpdate).
    pub issued: u64,
    /// From when on it is no longer valid, in seconds since the Unix epoch (nextUpdate).
    pub expires: u64,
    /// Its number (cRLNumber): later ones have higher numbers.
    pub number: u64,
    /// Whose certificates it is about.
    pub issuer: AuthorityId,
    /// Serial numbers of revoked certificates, ascending.
    pub revoked: BoundedVec<Serial, ConstU32<MAX_REVOKED>>,
}

impl Crl {
    /// Whether the list is valid at `now`.
    pub(crate) fn check_window(&self, now: u64) -> Result<(), Error> {
        if now < self.issued {
            return Err(Error::CrlNotYetValid);
        }
        if now >= self.expires {
            return Err(Error::CrlExpired);
        }
        Ok(())
    }

    /// Fails if the certificate of this issuer with this serial number is revoked, or if the list
    /// cannot tell.
    pub(crate) fn check_certificate(
        &self,
        issuer: &AuthorityId,
        serial: &Serial,
    ) -> Result<(), Error> {
        if *issuer != self.issuer {
            return Err(Error::RevocationUnknown);
        }
        if self.revoked.binary_search(serial).is_ok() {
            return Err(Error::CertificateRevoked);
        }
        Ok(())
    }

    /// Verifies that `issuer`, whose certificate is verified, signed the list. This is one signature.
    fn verify(der: &[u8], issuer: &Certificate<'_>, now: u64) -> Result<Self, Error> {
        let list = CertificateList::<Rfc5280>::from_der(der).map_err(|_| Error::CrlMalformed)?;
        let list = list.tbs_cert_list;
        let mut revoked = Vec::new();
        for entry in list.revoked_certificates.iter().flatten() {
            let serial = Serial::read(entry.serial_number.as_bytes());
            revoked.push(serial.ok_or(Error::CrlMalformed)?);
        }
        revoked.sort_unstable();
        revoked.dedup();
        let next_update = list.next_update.ok_or(Error::CrlMalformed)?;
        let mut extensions = list.crl_extensions.iter().flatten();
        let number = extensions
            .find(|extension| extension.extn_id == CrlNumber::OID)
            .and_then(|extension| number(extension.extn_value.as_bytes()));
        let crl = Self {
            issued: list.this_update.to_unix_duration().as_secs(),
            expires: next_update.to_unix_duration().as_secs(),
            number: number.ok_or(Error::CrlMalformed)?,
            issuer: issuer.id(),
            revoked: revoked.try_into().map_err(|_| Error::CrlMalformed)?,
        };
        crl.check_window(now)?;

        // This refuses what is not enforced here: changes to another list, entries for another
        // issuer, critical extensions that are not known.
        let key = webpki::anchor_from_trusted_cert(issuer.der());
        let key = key.map_err(|_| Error::CertificateMalformed)?.subject_public_key_info;
        let algorithm =
            &[&EcdsaP256Sha256 as &dyn rustls_pki_types::SignatureVerificationAlgorithm];
        let verified = OwnedCertRevocationList::from_der_verified(der, &key, algorithm);
        let verified = CertRevocationList::from(verified.map_err(reason)?);
        if verified.issuer() != issuer.webpki().subject() {
            return Err(Error::CrlSignatureInvalid);
        }
        // A list about some of the certificates could leave out the one that matters.
        if verified.issuing_distribution_point().is_some() {
            return Err(Error::CrlMalformed);
        }
        Ok(crl)
    }
}

/// A non-negative INTEGER, if it is not too large.
fn number(der: &[u8]) -> Option<u64> {
    let mut number = [0; 8];
    let integer = UintRef::from_der(der).ok()?;
    let start = number.len().checked_sub(integer.as_bytes().len())?;
    number.get_mut(start..)?.copy_from_slice(integer.as_bytes());
    Some(u64::from_be_bytes(number))
}

fn reason(error: webpki::Error) -> Error {
    match error {
        webpki::Error::InvalidCrlSignatureForPublicKey
        | webpki::Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            Error::CrlSignatureInvalid
        }
        _ => Error::CrlMalformed,
    }
}

/// Verifies the root's list (DER) at `now`, in seconds since the Unix epoch. It may say that the root
/// itself is revoked: then nothing is verified by it.
///
/// Fails with an error about the list, or because the root's certificate is malformed or not valid.
pub fn verify_root_crl(root: &[u8], crl: &[u8], now: u64) -> Result<Crl, Error> {
    let root = CertificateDer::from(root);
    let root = Root::read(&root)?;
    root.certificate().validity().check(now)?;
    Crl::verify(crl, root.certificate(), now)
}

/// Verifies the list (DER) of an authority for platforms at `now`, in seconds since the Unix epoch.
/// `issuer_chain` (PEM) is the authority's certificate, and the root's may follow.
///
/// Fails with an error about either list, the root or the authority's certificate.
pub fn verify_pck_crl(
    root: &[u8],
    root_crl: &Crl,
    crl: &[u8],
    issuer_chain: &[u8],
    now: u64,
) -> Result<(PckCa, Crl), Error> {
    let root = CertificateDer::from(root);
    let root = Root::read(&root)?;
    root.check(root_crl, now)?;
    let authority = root.single(issuer_chain)?;
    let authority = Certificate::read(&authority)?;
    root_crl.check_certificate(&root.id(), &authority.serial())?;
    let ca = root.verify_authority(&authority, now)?;
    Ok((ca, Crl::verify(crl, &authority, now)?))
}

// SPDX-License-Identifier: Apache-2.0
//! Chains of certificates, up to the root.
//!
//! They have the shape of Intel's and no other: one certificate, or a platform's and its authority's,
//! and the root may come along. webpki would look for a way through any heap of certificates, and try
//! a signature at each fork: far more than a caller pays for.

use rustls_pki_types::{CertificateDer, TrustAnchor};
use tee_primitives::attestation::collateral::{PckCa, MAX_CHAIN_LEN};
use webpki::KeyUsage;

use crate::{
    certificate::{from_pem, AuthorityId, Certificate},
    collateral::crl::Crl,
    signature::EcdsaP256Sha256,
    time, Error,
};

/// Whether a certificate can be a root of trust: that of an authority, signed by itself with ECDSA
/// P-256 and SHA-256.
///
/// Fails with [`Error::RootMalformed`].
pub fn check_root(root: &[u8]) -> Result<(), Error> {
    let der = CertificateDer::from(root);
    let root = Root::read(&der)?.certificate;
    let is_root = root.is_authority() && root.names_issuer(&root) && root.is_signed_by(&root);
    is_root.then_some(()).ok_or(Error::RootMalformed)
}

/// The root of trust.
pub(crate) struct Root<'a> {
    certificate: Certificate<'a>,
    anchor: TrustAnchor<'a>,
    id: AuthorityId,
}

impl<'a> Root<'a> {
    pub(crate) fn read(der: &'a CertificateDer<'a>) -> Result<Self, Error> {
        let certificate = Certificate::read(der).map_err(|_| Error::RootMalformed)?;
        let anchor = webpki::anchor_from_trusted_cert(der).map_err(|_| Error::RootMalformed)?;
        let id = certificate.id();
        Ok(Self { certificate, anchor, id })
    }

    pub(crate) fn certificate(&self) -> &Certificate<'a> {
        &self.certificate
    }

    pub(crate) fn id(&self) -> AuthorityId {
        self.id
    }

    /// Whether the root is valid at `now`, its list too, and the root not on it.
    pub(crate) fn check(&self, root_crl: &Crl, now: u64) -> Result<(), Error> {
        self.certificate.validity().check(now)?;
        root_crl.check_window(now)?;
        root_crl.check_certificate(&self.id, &self.certificate.serial())
    }

    /// The certificate of a document's or list's signer in a PEM text: the only one, beside the root.
    pub(crate) fn single(&self, pem: &[u8]) -> Result<CertificateDer<'static>, Error> {
        check_length(pem)?;
        let mut certificates = from_pem(pem)?.into_iter();
        let first = certificates.next().ok_or(Error::CertificateMalformed)?;
        if !Certificate::read(&first)?.names_issuer(&self.certificate) {
            return Err(Error::SignerNotUnderRoot);
        }
        check_rest(certificates.as_slice())?;
        Ok(first)
    }

    /// Verifies that a document's signer is valid at `now`, and certified by the root itself.
    pub(crate) fn verify_signer(&self, signer: &Certificate<'_>, now: u64) -> Result<(), Error> {
        self.verify(signer, &[], now)
    }

    /// Whether the names say that the authority issued the platform's certificate, and the root the
    /// authority's.
    pub(crate) fn check_names(
        &self,
        platform: &Certificate<'_>,
        authority: &Certificate<'_>,
    ) -> Result<(), Error> {
        if platform.names_issuer(&self.certificate) && !platform.is_authority() {
            return Err(Error::PckIssuerWrong);
        }
        let are_right = !platform.is_authority()
            && platform.names_issuer(authority)
            && authority.names_issuer(&self.certificate)
            && authority.is_authority();
        are_right.then_some(()).ok_or(Error::CertificateChainUntrusted)
    }

    /// Verifies that a platform and its authority, whose names are right, are valid at `now` and
    /// certified. These are two signatures.
    pub(crate) fn verify_platform(
        &self,
        platform: &Certificate<'_>,
        authority: &Certificate<'_>,
        now: u64,
    ) -> Result<(), Error> {
        self.verify(platform, core::slice::from_ref(authority.der()), now)
    }

    fn verify(
        &self,
        certificate: &Certificate<'_>,
        between: &[CertificateDer<'_>],
        now: u64,
    ) -> Result<(), Error> {
        certificate
            .webpki()
            .verify_for_usage(
                &[&EcdsaP256Sha256],
                core::slice::from_ref(&self.anchor),
                between,
                time::unix(now),
                // Only of certificates that say what they are for. None of Intel's does.
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map(|_| ())
            .map_err(reason)
    }

    /// Verifies that an authority for platforms is valid at `now`, and certified by the root. webpki
    /// takes an authority only for the middle of a chain; this is its one link to the root.
    pub(crate) fn verify_authority(
        &self,
        authority: &Certificate<'_>,
        now: u64,
    ) -> Result<PckCa, Error> {
        authority.validity().check(now)?;
        let ca = pck_ca(authority.x509().tbs_certificate().subject());
        let ca = ca.filter(|_| authority.is_authority()).ok_or(Error::CrlIssuerUnknown)?;
        let root = &self.certificate;
        if authority.names_issuer(root) && authority.is_signed_by(root) {
            Ok(ca)
        } else {
            Err(Error::CertificateChainUntrusted)
        }
    }
}

/// Which of the authorities for platforms has this name.
pub(crate) fn pck_ca(name: &x509_cert::name::Name) -> Option<PckCa> {
    let name = name.common_name().ok()??;
    let name = name.value();
    [("Processor", PckCa::Processor), ("Platform", PckCa::Platform)]
        .into_iter()
        .find_map(|(word, ca)| name.contains(word).then_some(ca))
}

/// The certificates of a platform and of its authority in a PEM text, beside the root.
pub(crate) fn pair(pem: &[u8]) -> Result<[CertificateDer<'static>; 2], Error> {
    check_length(pem)?;
    let mut certificates = from_pem(pem)?.into_iter();
    let platform = certificates.next().ok_or(Error::CertificateMalformed)?;
    let authority = certificates.next().ok_or(Error::CertificateChainUntrusted)?;
    check_rest(certificates.as_slice())?;
    Ok([platform, authority])
}

/// What stands behind the certificates that count: nothing, or the root's. It is not looked at, because
/// the root is known.
fn check_rest(certificates: &[CertificateDer<'_>]) -> Result<(), Error> {
    match certificates {
        [] | [_] => Ok(()),
        _ => Err(Error::CertificateChainUntrusted),
    }
}

fn check_length(pem: &[u8]) -> Result<(), Error> {
    let is_short = u32::try_from(pem.len()).is_ok_and(|length| length <= MAX_CHAIN_LEN);
    is_short.then_some(()).ok_or(Error::CertificateChainTooLong)
}

fn reason(error: webpki::Error) -> Error {
    match error {
        webpki::Error::CertExpired { .. } => Error::CertificateExpired,
        webpki::Error::CertNotValidYet { .. } => Error::CertificateNotYetValid,
        _ => Error::CertificateChainUntrusted,
    }
}

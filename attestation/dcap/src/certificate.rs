// SPDX-License-Identifier: Apache-2.0
//! What is read of a certificate.
//!
//! Two parsers read each one, and both must take it: webpki, which verifies chains, and x509-cert,
//! which gives what webpki keeps to itself: validity and extensions.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use rustls_pki_types::{alg_id, CertificateDer};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;
use webpki::EndEntityCert;
use x509_cert::{
    der::{
        asn1::{AnyRef, BitStringRef},
        Decode as _, Reader, SliceReader,
    },
    ext::pkix::{BasicConstraints, KeyUsage},
};

use crate::{
    signature::{to_der, EcdsaP256Sha256, SIGNATURE_LEN},
    Error,
};

/// Most certificates that are looked at. Two are needed, and the root may come along.
const MAX_CERTIFICATES: usize = 5;

const MAX_SERIAL_LEN: usize = 20;

/// A certificate's serial number: big-endian, with zeros in front (RFC 5280, 4.1.2.2: positive, at
/// most 20 bytes).
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    TypeInfo,
)]
pub struct Serial(pub [u8; MAX_SERIAL_LEN]);

impl Serial {
    /// From the contents of an INTEGER; `None` if it is negative or too long.
    pub(crate) fn read(integer: &[u8]) -> Option<Self> {
        let digits = match integer {
            [] | [0x80..=0xff, ..] => return None,
            [0, digits @ ..] | digits => digits,
        };
        let mut serial = [0; MAX_SERIAL_LEN];
        let start = MAX_SERIAL_LEN.checked_sub(digits.len())?;
        serial.get_mut(start..)?.copy_from_slice(digits);
        Some(Self(serial))
    }
}

/// When a certificate is valid, in seconds since the Unix epoch: from the first to the last, both
/// included.
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
pub struct Validity {
    /// The first second (notBefore).
    pub not_before: u64,
    /// The last second (notAfter).
    pub not_after: u64,
}

impl Validity {
    pub(crate) fn check(self, now: u64) -> Result<(), Error> {
        if now < self.not_before {
            return Err(Error::CertificateNotYetValid);
        }
        if now > self.not_after {
            return Err(Error::CertificateExpired);
        }
        Ok(())
    }
}

/// Names an authority: `blake2_256(SubjectPublicKeyInfo ‖ name)`, both as in its certificate. So it
/// stays the same when its certificate is renewed.
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
pub struct AuthorityId(pub [u8; 32]);

/// A certificate, read by both parsers. Nothing of it is verified.
pub(crate) struct Certificate<'a> {
    der: &'a CertificateDer<'a>,
    webpki: EndEntityCert<'a>,
    x509: x509_cert::Certificate,
    serial: Serial,
    validity: Validity,
}

impl<'a> Certificate<'a> {
    pub(crate) fn read(der: &'a CertificateDer<'a>) -> Result<Self, Error> {
        let webpki = EndEntityCert::try_from(der).map_err(|_| Error::CertificateMalformed)?;
        let x509 = x509_cert::Certificate::from_der(der);
        let x509 = x509.map_err(|_| Error::CertificateMalformed)?;
        let serial = Serial::read(webpki.serial()).ok_or(Error::CertificateMalformed)?;
        let validity = x509.tbs_certificate().validity();
        let validity = Validity {
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
        };
        Ok(Self { der, webpki, x509, serial, validity })
    }

    pub(crate) fn der(&self) -> &'a CertificateDer<'a> {
        self.der
    }

    /// As webpki verifies chains with it.
    pub(crate) fn webpki(&self) -> &EndEntityCert<'a> {
        &self.webpki
    }

    /// As it gives names and extensions.
    pub(crate) fn x509(&self) -> &x509_cert::Certificate {
        &self.x509
    }

    pub(crate) fn serial(&self) -> Serial {
        self.serial
    }

    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }

    /// Names it as an authority.
    pub(crate) fn id(&self) -> AuthorityId {
        let key = self.webpki.subject_public_key_info();
        AuthorityId(blake2_256(&[&key, self.webpki.subject()].concat()))
    }

    /// Whether the names say that `issuer` issued it.
    pub(crate) fn names_issuer(&self, issuer: &Certificate<'_>) -> bool {
        self.webpki.issuer() == issuer.webpki.subject()
    }

    /// Whether its key signed `message`, with a raw signature.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        to_der(signature).is_some_and(|signature| {
            self.webpki.verify_signature(&EcdsaP256Sha256, message, signature.as_bytes()).is_ok()
        })
    }

    /// Whether `issuer`'s key signed it.
    pub(crate) fn is_signed_by(&self, issuer: &Certificate<'_>) -> bool {
        let parts = SliceReader::new(self.der).and_then(|mut reader| {
            reader.sequence(|reader| {
                let signed = reader.tlv_bytes()?;
                let algorithm: AnyRef<'_> = reader.decode()?;
                let signature: BitStringRef<'_> = reader.decode()?;
                Ok((signed, algorithm, signature.as_bytes()))
            })
        });
        let Ok((signed, algorithm, Some(signature))) = parts else { return false };
        algorithm.value() == alg_id::ECDSA_SHA256.as_ref()
            && issuer.webpki.verify_signature(&EcdsaP256Sha256, signed, signature).is_ok()
    }

    /// Whether it is that of an authority: one that may sign certificates and lists of revoked ones
    /// (RFC 5280, 4.2.1.3 and 4.2.1.9).
    pub(crate) fn is_authority(&self) -> bool {
        let tbs = self.x509.tbs_certificate();
        let constraints = tbs.get_extension::<BasicConstraints>();
        let usage = tbs.get_extension::<KeyUsage>();
        matches!(constraints, Ok(Some((_, constraints))) if constraints.ca)
            && matches!(usage, Ok(Some((_, usage))) if usage.key_cert_sign() && usage.crl_sign())
    }
}

/// Certificates from PEM, in the order in which they stand there. Text between them is skipped.
pub(crate) fn from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let blocks = pem::parse_many(pem).map_err(|_| Error::CertificateMalformed)?;
    if blocks.len() > MAX_CERTIFICATES {
        return Err(Error::CertificateChainTooLong);
    }
    Ok(blocks.into_iter().map(|block| CertificateDer::from(block.into_contents())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_positive_and_have_at_most_20_bytes() {
        let padded = |digits: &[u8]| {
            let mut serial = [0; MAX_SERIAL_LEN];
            serial[MAX_SERIAL_LEN - digits.len()..].copy_from_slice(digits);
            Some(Serial(serial))
        };
        assert_eq!(Serial::read(&[]), None);
        assert_eq!(Serial::read(&[0]), padded(&[]));
        assert_eq!(Serial::read(&[1]), padded(&[1]));
        assert_eq!(Serial::read(&[0x7f, 0xff]), padded(&[0x7f, 0xff]));
        // The first bit is the sign.
        assert_eq!(Serial::read(&[0x80]), None);
        assert_eq!(Serial::read(&[0xff; 20]), None);
        assert_eq!(Serial::read(&[0, 0x80]), padded(&[0x80]));
        assert_eq!(Serial::read(&[0x7f; 20]), padded(&[0x7f; 20]));
        assert_eq!(Serial::read(&[0x7f; 21]), None);
        let mut longest = [0xff; 21];
        longest[0] = 0;
        assert_eq!(Serial::read(&longest), padded(&[0xff; 20]));
        assert_eq!(Serial::read(&[0; 22]), None);
    }

    #[test]
    fn a_certificate_is_valid_from_its_first_to_its_last_second() {
        let validity = Validity { not_before: 10, not_after: 20 };
        assert_eq!(validity.check(9), Err(Error::CertificateNotYetValid));
        assert_eq!(validity.check(10), Ok(()));
        assert_eq!(validity.check(20), Ok(()));
        assert_eq!(validity.check(21), Err(Error::CertificateExpired));
    }

    #[test]
    fn five_certificates_are_read_and_no_more() {
        let text = |count| "-----BEGIN X-----\nAAAA\n-----END X-----\nnothing\n".repeat(count);
        for count in 0..=5 {
            assert_eq!(from_pem(text(count).as_bytes()).map(|all| all.len()), Ok(count));
        }
        assert_eq!(from_pem(text(6).as_bytes()), Err(Error::CertificateChainTooLong));
        assert_eq!(from_pem(&text(1).as_bytes()[..30]), Ok(Vec::new()));
        assert_eq!(
            from_pem(text(1).replace("AAAA", "AA!A").as_bytes()),
            Err(Error::CertificateMalformed)
        );
    }
}

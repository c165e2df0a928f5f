// SPDX-License-Identifier: Apache-2.0
//! Certificates of the enclave's own making: X.509 version 3, self-signed with the TLS key.
//!
//! Those that it shows to clients carry its evidence in the extension [`EVIDENCE_OID`], not critical:
//! an OCTET STRING with what `/api/quote` gives, the quote and after it the SCALE-encoded
//! [`AttestationPayload`](tee_primitives::attestation::AttestationPayload). In the payload stands the
//! hash of the certificate's key, so neither is worth anything with another one.

use std::time::Duration;

use rcgen::{
    date_time_ymd, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SerialNumber, PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

use x509_cert::der::{asn1::OctetStringRef, Encode};

use super::TlsError;
use crate::seal;

/// The extension with the evidence: 2.25.1414090805.1, where 1414090805 is "TIP5" as a number.
///
/// Below 2.25, numbers are UUIDs, of which nobody has to be asked for one. This is none that anybody
/// draws, because its version is 0; and it is small, because many programs refuse every certificate in
/// which a number of 128 bits stands.
pub const EVIDENCE_OID: [u64; 4] = [2, 25, 1_414_090_805, 1];

/// Longest evidence: quotes have less than 6 kB.
pub const MAX_EVIDENCE: usize = 16 * 1024;

/// How long before the chain's time a certificate is valid already. Clients' clocks may be behind.
const BEFORE: Duration = Duration::from_secs(2 * 24 * 3600);

/// How long after it a certificate is valid. Another one comes much earlier.
const AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

/// What the enclave shows of itself.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The quote and the encoded payload.
    pub bytes: &'a [u8],
    /// The chain's finalized time, in seconds since the Unix epoch: the enclave has no other clock
    /// that it trusts.
    pub now: u64,
}

/// A certificate without evidence, for the time before the enclave knows the chain. It says nothing
/// about time: the enclave does not know it.
pub(super) fn bare(
    pair: &KeyPair,
    account: &str,
    domains: &[String],
) -> Result<CertificateDer<'static>, TlsError> {
    let mut params = params(account, domains)?;
    params.not_before = date_time_ymd(2020, 1, 1);
    // "No well-defined expiration date" (RFC 5280, 4.1.2.5).
    params.not_after = date_time_ymd(9999, 12, 31) + Duration::from_secs(24 * 3600 - 1);
    Ok(params.self_signed(pair)?.der().clone())
}

/// A certificate with evidence.
pub(super) fn with_evidence(
    pair: &KeyPair,
    account: &str,
    domains: &[String],
    evidence: &Evidence<'_>,
) -> Result<CertificateDer<'static>, TlsError> {
    let mut params = params(account, domains)?;
    // No certificate can say more than the year 9999.
    const LATEST: u64 = 200_000_000_000;
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(evidence.now.min(LATEST));
    params.not_before = now - BEFORE;
    params.not_after = now + AFTER;
    let content = OctetStringRef::new(evidence.bytes).and_then(|it| it.to_der()).ok();
    let content = content.filter(|_| evidence.bytes.len() <= MAX_EVIDENCE);
    let content = content.ok_or(TlsError::Options("the evidence is too long"))?;
    params.custom_extensions.push(CustomExtension::from_oid_content(&EVIDENCE_OID, content));
    Ok(params.self_signed(pair)?.der().clone())
}

fn params(account: &str, domains: &[String]) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(domains)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, account);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    // Positive, and never the same again for the same name.
    let mut serial = *seal::random::<16>()?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// The certificate by which an authority sees that the enclave answers under a domain (RFC 8737),
/// with a key that is used for nothing else.
pub(super) fn for_validation(domain: &str, digest: &[u8; 32]) -> Result<CertifiedKey, TlsError> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.custom_extensions.push(CustomExtension::new_acme_identifier(digest));
    let certificate = params.self_signed(&pair)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialized_der()));
    Ok(CertifiedKey::new(vec![certificate], ring::sign::any_ecdsa_type(&key)?))
}

#[cfg(test)]
mod tests {
    use x509_cert::{
        der::{asn1::OctetString, Decode},
        ext::pkix::{name::GeneralName, SubjectAltName},
        Certificate,
    };

    use super::*;

    fn domains() -> Vec<String> {
        ["enclave.example", "192.0.2.1"].map(String::from).to_vec()
    }

    fn parsed(der: &CertificateDer<'_>) -> Certificate {
        Certificate::from_der(der).unwrap()
    }

    /// The content of the extension with this identifier.
    fn extension(certificate: &Certificate, oid: &str) -> Option<(bool, Vec<u8>)> {
        let extensions = certificate.tbs_certificate().extensions()?;
        let found = extensions.iter().find(|it| it.extn_id.to_string() == oid)?;
        Some((found.critical, found.extn_value.as_bytes().to_vec()))
    }

    fn validity(certificate: &Certificate) -> (u64, u64) {
        let validity = certificate.tbs_certificate().validity();
        let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
        (seconds(&validity.not_before), seconds(&validity.not_after))
    }

    #[test]
    fn the_evidence_stands_in_the_certificate_byte_for_byte() {
        let pair = KeyPair::generate().unwrap();
        let now = 1_800_000_000;
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 5000, MAX_EVIDENCE] {
            let bytes = vec![0xa5; length];
            let evidence = Evidence { bytes: &bytes, now };
            let der = with_evidence(&pair, "account", &domains(), &evidence).unwrap();
            let certificate = parsed(&der);
            let (critical, value) = extension(&certificate, "2.25.1414090805.1").unwrap();
            assert!(!critical);
            assert_eq!(OctetString::from_der(&value).unwrap().as_bytes(), bytes);
            assert_eq!(validity(&certificate), (now - BEFORE.as_secs(), now + AFTER.as_secs()));
        }
        let long = vec![0; MAX_EVIDENCE + 1];
        let evidence = Evidence { bytes: &long, now };
        assert!(with_evidence(&pair, "account", &domains(), &evidence).is_err());
        // However wrong the chain's clock is, there is a certificate.
        for now in [0, u64::MAX] {
            let evidence = Evidence { bytes: b"quote", now };
            assert!(with_evidence(&pair, "account", &domains(), &evidence).is_ok(), "{now}");
        }
    }

    #[test]
    fn a_certificate_is_the_servers_and_names_account_and_domains() {
        let pair = KeyPair::generate().unwrap();
        let [one, other] = [(); 2].map(|()| bare(&pair, "account", &domains()).unwrap());
        let certificate = parsed(&one);
        assert!(extension(&certificate, "2.25.1414090805.1").is_none());
        assert_eq!(certificate.tbs_certificate().subject().to_string(), "CN=account");
        let (_, names) = extension(&certificate, "2.5.29.17").unwrap();
        let SubjectAltName(names) = SubjectAltName::from_der(&names).unwrap();
        assert!(
            matches!(&names[0], GeneralName::DnsName(name) if name.as_str() == "enclave.example")
        );
        assert!(matches!(&names[1], GeneralName::IpAddress(ip) if ip.as_bytes() == [192, 0, 2, 1]));
        // BasicConstraints without CA.
        assert_eq!(extension(&certificate, "2.5.29.19").unwrap().1, [0x30, 0]);
        let (_, until) = validity(&certificate);
        assert_eq!(until, 253_402_300_799);
        let serial = |der| parsed(der).tbs_certificate().serial_number().to_der().unwrap();
        assert_ne!(serial(&one), serial(&other));
    }

    #[test]
    fn the_certificate_for_validation_is_as_rfc_8737_wants_it() {
        let shown = for_validation("enclave.example", &[7; 32]).unwrap();
        let certificate = parsed(&shown.cert[0]);
        let (critical, digest) = extension(&certificate, "1.3.6.1.5.5.7.1.31").unwrap();
        assert!(critical);
        assert_eq!(OctetString::from_der(&digest).unwrap().as_bytes(), [7; 32]);
        let (_, names) = extension(&certificate, "2.5.29.17").unwrap();
        let SubjectAltName(names) = SubjectAltName::from_der(&names).unwrap();
        assert!(matches!(names.as_slice(), [GeneralName::DnsName(_)]));
        let public_key = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
        assert_eq!(shown.key.public_key().unwrap().as_ref(), public_key);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! X.509 certificates in the shape of Intel's: names, extensions and their order.

use std::{str::FromStr, time::Duration};

use p256::ecdsa::{
    signature::{self, Keypair, Signer},
    DerSignature, SigningKey, VerifyingKey,
};
use x509_cert::{
    builder::{profile::BuilderProfile, Builder, CertificateBuilder},
    certificate::TbsCertificate,
    der::{
        asn1::{Ia5String, ObjectIdentifier, OctetString, Uint},
        flagset::FlagSet,
        referenced::OwnedToRef,
        DateTime, Decode, Encode,
    },
    ext::{
        pkix::{
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
            AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, KeyUsage, KeyUsages,
            SubjectKeyIdentifier,
        },
        Extension, ToExtension,
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{
        AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoOwned,
        SubjectPublicKeyInfoRef,
    },
    time::{Time, Validity},
    Certificate,
};

/// A certificate's serial number: a positive integer, big-endian. In DER it is one byte longer when
/// its first bit is set, as many of Intel's are.
pub type Serial = [u8; 20];

/// Intel's extension in PCK certificates ("PCK Certificate and CRL Profile Specification", 1.3.5).
pub(crate) const SGX_EXTENSION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");

const BUILD: &str = "what is built here has an encoding";

/// What a certificate says.
pub(crate) struct Template<'a> {
    /// Common name of the subject.
    pub(crate) subject: &'a str,
    /// The subject's key.
    pub(crate) key: &'a VerifyingKey,
    pub(crate) serial: Serial,
    /// First and last second of its life, Unix time.
    pub(crate) validity: (u64, u64),
    pub(crate) role: Role,
    /// Where its issuer's CRL is.
    pub(crate) crl: &'a str,
    /// Contents of its SGX extensions: none, or one in a valid PCK certificate.
    pub(crate) sgx: Vec<Vec<u8>>,
}

/// What a key may sign.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Certificates and CRLs.
    Authority { path_len: u8 },
    /// Anything else.
    Leaf,
}

/// Issues a certificate. Panics for times after the year 9999.
pub(crate) fn issue(template: Template<'_>, issuer: &str, issuer_key: &SigningKey) -> Certificate {
    let validity = Validity::new(time(template.validity.0), time(template.validity.1));
    let key = key_info(template.key);
    let serial = serial_number(&template.serial);
    let profile = Profile { template, issuer };
    CertificateBuilder::new(profile, serial, validity, key)
        .and_then(|builder| builder.build::<_, DerSignature>(&X509Key(issuer_key)))
        .expect(BUILD)
}

/// SHA-1 of the key's bit string (RFC 5280, 4.2.1.2, method 1).
pub(crate) fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> Serial {
    let identifier = SubjectKeyIdentifier::try_from(key.owned_to_ref()).expect(BUILD);
    identifier.0.as_bytes().try_into().expect("SHA-1 has 20 bytes")
}

/// A key as certificates carry it.
pub(crate) fn key_info(key: &VerifyingKey) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_key(key).expect(BUILD)
}

/// The common form of a name.
pub(crate) fn name(common_name: &str) -> Name {
    // Written from the end, as RFC 4514 wants it. Intel's names begin with the common name.
    let name = format!("C=XX,ST=XX,L=Nowhere,O=TIP500 development,CN={common_name}");
    Name::from_str(&name).expect("common names here need no escapes")
}

/// Unix time. Panics after the year 9999.
pub(crate) fn time(seconds: u64) -> Time {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("a year below 10000").into()
}

/// As an INTEGER, which has 21 bytes if the first bit is set: too many for `SerialNumber::new`, and
/// common in Intel's certificates.
pub(crate) fn serial_number(serial: &Serial) -> SerialNumber {
    let der = Uint::new(serial).and_then(|serial| serial.to_der()).expect(BUILD);
    SerialNumber::from_der(&der).expect(BUILD)
}

/// Certificates as PEM, in the given order.
pub(crate) fn pem<'a>(chain: impl IntoIterator<Item = &'a [u8]>) -> String {
    chain
        .into_iter()
        .map(|der| {
            use x509_cert::der::pem::{encode_string, LineEnding};
            encode_string("CERTIFICATE", LineEnding::LF, der).expect(BUILD)
        })
        .collect()
}

struct Profile<'a> {
    template: Template<'a>,
    issuer: &'a str,
}

impl BuilderProfile for Profile<'_> {
    fn get_issuer(&self, _subject: &Name) -> Name {
        name(self.issuer)
    }

    fn get_subject(&self) -> Name {
        name(self.template.subject)
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(SubjectKeyIdentifier::try_from(issuer_key)?.0),
            ..Default::default()
        };
        let crl = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![
                GeneralName::UniformResourceIdentifier(Ia5String::new(self.template.crl)?),
            ])),
            reasons: None,
            crl_issuer: None,
        };
        let (usage, constraints): (FlagSet<KeyUsages>, _) = match self.template.role {
            Role::Authority { path_len } => (
                KeyUsages::KeyCertSign | KeyUsages::CRLSign,
                BasicConstraints { ca: true, path_len_constraint: Some(path_len) },
            ),
            Role::Leaf => (
                KeyUsages::DigitalSignature | KeyUsages::NonRepudiation,
                BasicConstraints { ca: false, path_len_constraint: None },
            ),
        };
        let (subject, none) = (tbs.subject(), &[]);
        let mut extensions = vec![
            authority.to_extension(subject, none)?,
            CrlDistributionPoints(vec![crl]).to_extension(subject, none)?,
            SubjectKeyIdentifier::try_from(key)?.to_extension(subject, none)?,
            KeyUsage(usage).to_extension(subject, none)?,
            // Critical in leaves too, unlike the builder's default.
            Extension {
                extn_id: <BasicConstraints as x509_cert::der::oid::AssociatedOid>::OID,
                critical: true,
                extn_value: OctetString::new(constraints.to_der()?)?,
            },
        ];
        for content in &self.template.sgx {
            extensions.push(Extension {
                extn_id: SGX_EXTENSION,
                critical: false,
                extn_value: OctetString::new(content.as_slice())?,
            });
        }
        Ok(extensions)
    }
}

/// A key that says which signatures it makes, for the builders: ECDSA with SHA-256.
pub(crate) struct X509Key<'a>(pub(crate) &'a SigningKey);

impl Keypair for X509Key<'_> {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        *self.0.verifying_key()
    }
}

impl DynSignatureAlgorithmIdentifier for X509Key<'_> {
    fn signature_algorithm_identifier(&self) -> x509_cert::spki::Result<AlgorithmIdentifierOwned> {
        const ECDSA_WITH_SHA256: ObjectIdentifier =
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
        Ok(AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None })
    }
}

impl Signer<DerSignature> for X509Key<'_> {
    fn try_sign(&self, message: &[u8]) -> signature::Result<DerSignature> {
        self.0.try_sign(message)
    }
}

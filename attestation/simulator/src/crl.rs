// SPDX-License-Identifier: Apache-2.0
//! Certificate revocation lists, version 2, with number and authority key identifier.

use p256::ecdsa::{signature::Signer, DerSignature, SigningKey};
use x509_cert::{
    crl::{CertificateList, RevokedCert, TbsCertList},
    der::{
        asn1::{BitString, OctetString},
        Encode,
    },
    ext::{
        pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason},
        ToExtension,
    },
    spki::DynSignatureAlgorithmIdentifier,
    Certificate, Version,
};

use crate::certificate::{key_identifier, serial_number, time, Serial, X509Key};

/// What a CRL says.
#[derive(Clone)]
pub(crate) struct Crl {
    /// The CA whose name and key identifier it carries.
    pub(crate) issuer: Certificate,
    /// The key that signs it.
    pub(crate) key: SigningKey,
    pub(crate) number: u32,
    /// Unix time.
    pub(crate) this_update: u64,
    /// Unix time.
    pub(crate) next_update: Option<u64>,
    pub(crate) revoked: Vec<Serial>,
}

impl Crl {
    /// Signs it. Panics for times after the year 9999.
    pub(crate) fn sign(&self) -> Vec<u8> {
        self.build().expect("what is built here has an encoding")
    }

    /// By hand: the builder of x509-cert 0.3 takes the authority key identifier of the issuer's
    /// certificate, which is that of the issuer's issuer.
    fn build(&self) -> x509_cert::builder::Result<Vec<u8>> {
        let issuer = self.issuer.tbs_certificate();
        let (name, none) = (issuer.subject(), &[]);
        let identifier = key_identifier(issuer.subject_public_key_info());
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(identifier)?),
            ..AuthorityKeyIdentifier::default()
        };
        let number = CrlNumber::try_from(self.number)?;
        let extensions =
            vec![number.to_extension(name, none)?, authority.to_extension(name, none)?];
        let reason = CrlReason::KeyCompromise.to_extension(name, none)?;
        let issued = time(self.this_update);
        let revoked = self.revoked.iter().map(|serial| RevokedCert {
            serial_number: serial_number(serial),
            revocation_date: issued,
            crl_entry_extensions: Some(vec![reason.clone()]),
        });
        let algorithm = X509Key(&self.key).signature_algorithm_identifier()?;
        let list: TbsCertList = TbsCertList {
            version: Version::V2,
            signature: algorithm.clone(),
            issuer: name.clone(),
            this_update: issued,
            next_update: self.next_update.map(time),
            // A list without entries is left out.
            revoked_certificates: (!self.revoked.is_empty()).then(|| revoked.collect()),
            crl_extensions: Some(extensions),
        };
        let signature: DerSignature = self.key.sign(&list.to_der()?);
        let list = CertificateList {
            tbs_cert_list: list,
            signature_algorithm: algorithm,
            signature: BitString::from_bytes(signature.as_bytes())?,
        };
        Ok(list.to_der()?)
    }
}

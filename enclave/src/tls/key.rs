// SPDX-License-Identifier: Apache-2.0
//! The TLS key: P-256, made inside the enclave on its first start, sealed, and the same ever after.
//!
//! It is not the account, so that losing it costs nothing: where it does not open any more, as after a
//! change of the machine's microcode, another one is made, and attested.

use std::{fmt, path::Path, sync::Arc};

use rcgen::{KeyPair, PublicKeyData, PKCS_ECDSA_P256_SHA256};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SigningKey},
};
use tee_primitives::Hash;
use zeroize::Zeroizing;

use super::{
    certificate::{self, Evidence},
    TlsError,
};
use crate::{file, seal::Sealer};

const FILE_NAME: &str = "tls-key";

const CONTEXT: &[u8] = b"TIP500-TLS-KEY/1";

/// The key, and what the enclave's own certificates of it say.
pub struct TlsKey {
    pair: KeyPair,
    signing: Arc<dyn SigningKey>,
    hash: Hash,
    account: String,
    domains: Vec<String>,
}

impl fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsKey").field("hash", &hex::encode(self.hash)).finish_non_exhaustive()
    }
}

impl TlsKey {
    /// Opens the key in `folder`; makes one if there is none that opens. It is durable when this
    /// returns. Certificates of it name the enclave's `account` and these domains.
    pub fn load_or_create(
        folder: &Path,
        sealer: &Sealer,
        account: &str,
        domains: &[String],
    ) -> Result<Self, TlsError> {
        let path = folder.join(FILE_NAME);
        let opened = file::read(&path).map_err(TlsError::Key)?.and_then(|sealed| {
            let opened = sealer.open(CONTEXT, &sealed).ok().and_then(|der| pair(&der));
            if opened.is_none() {
                tracing::warn!("the TLS key does not open: another one is made");
            }
            opened
        });
        let pair = match opened {
            Some(pair) => pair,
            None => {
                let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                let der = Zeroizing::new(pair.serialize_der());
                file::write(&path, &sealer.seal(CONTEXT, &der)?).map_err(TlsError::Key)?;
                pair
            }
        };
        let signing = ring::sign::any_ecdsa_type(&der(&pair))?;
        let hash = tee_tls::spki_hash(&pair.subject_public_key_info());
        Ok(Self { pair, signing, hash, account: account.to_owned(), domains: domains.to_vec() })
    }

    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The key pair, to sign requests for certificates with.
    pub(super) fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// The names that certificates are for.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The key with certificates that are of it.
    pub fn certified(&self, chain: Vec<CertificateDer<'static>>) -> Result<CertifiedKey, TlsError> {
        let certified = CertifiedKey::new(chain, self.signing.clone());
        certified.keys_match()?;
        Ok(certified)
    }

    /// The key with a certificate that proves nothing, for as long as there is no evidence.
    pub fn bare(&self) -> Result<CertifiedKey, TlsError> {
        self.certified(vec![certificate::bare(&self.pair, &self.account, &self.domains)?])
    }

    /// The key with a certificate that carries this evidence.
    pub fn with_evidence(&self, evidence: &Evidence<'_>) -> Result<CertifiedKey, TlsError> {
        let (pair, domains) = (&self.pair, &self.domains);
        let certificate = certificate::with_evidence(pair, &self.account, domains, evidence)?;
        self.certified(vec![certificate])
    }
}

fn pair(pkcs8: &[u8]) -> Option<KeyPair> {
    let der = PrivatePkcs8KeyDer::from(pkcs8);
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).ok()
}

/// The key as the TLS library takes it, which keeps a copy of its own.
fn der(pair: &KeyPair) -> PrivateKeyDer<'_> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialized_der()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(folder: &Path, seal: u8) -> TlsKey {
        let domains = [String::from("enclave.example")];
        TlsKey::load_or_create(folder, &Sealer::new(&[seal; 32]), "account", &domains).unwrap()
    }

    #[test]
    fn the_key_is_made_once_and_kept_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let made = key(folder.path(), 1);
        assert_ne!(made.hash(), [0; 32]);
        assert_eq!(key(folder.path(), 1).hash(), made.hash());
        let kept = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
        let secret = made.pair.serialized_der();
        assert!(!kept.windows(16).any(|part| secret.windows(16).any(|other| part == other)));
        // The hash is that of the key in every certificate.
        let shown = made.bare().unwrap();
        assert_eq!(tee_tls::key_hash(&shown.cert[0]).unwrap(), made.hash());
    }

    #[test]
    fn a_key_that_does_not_open_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = key(folder.path(), 1).hash();
        let second = key(folder.path(), 2).hash();
        assert_ne!(first, second);
        assert_eq!(key(folder.path(), 2).hash(), second);
        std::fs::write(folder.path().join(FILE_NAME), b"cut").unwrap();
        let third = key(folder.path(), 2).hash();
        assert!(third != second && key(folder.path(), 2).hash() == third);
    }

    #[test]
    fn another_keys_certificate_is_not_shown() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, other] = folders.each_ref().map(|folder| key(folder.path(), 1));
        assert!(one.certified(other.bare().unwrap().cert).is_err());
    }
}

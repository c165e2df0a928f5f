// SPDX-License-Identifier: Apache-2.0
//! HTTP clients for the APIs of enclaves.
//!
//! An enclave makes its TLS key inside, and the chain has verified a quote in which the hash of that
//! key stands. So whoever reads the chain knows the key, and needs no authority that vouches for a
//! name: an operator can get as many certificates for its own domain as it likes, and the enclave's
//! key from none of them. The rule, [`Clients::get`]:
//!
//! * the chain has the hash of a key: exactly this key is accepted, over `https://` only, whatever else
//!   its certificate says;
//! * the chain has none: what the machine's certificate authorities vouch for, or plain HTTP, as the
//!   address says. Such a connection is worth what the operator is worth.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{Certificate, Client, ClientBuilder};
use rustls::{
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, ring, CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError,
    RootCertStore, SignatureScheme, WantsVerifier,
};
use sha2::{Digest, Sha256};

/// SHA-256 of a public key (SubjectPublicKeyInfo, DER).
pub type KeyHash = [u8; 32];

/// What the chain has of an enclave without TLS.
pub const NO_KEY: KeyHash = [0; 32];

/// Clients for keys that are kept at once. A cluster has five enclaves.
const MAX_CLIENTS: usize = 64;

/// Whose certificates a client accepts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Nobody's: for plain HTTP.
    Nobody,
    /// Those with the key that has this hash. Names and dates in them do not matter.
    Key(KeyHash),
    /// Those that the machine's certificate authorities vouch for.
    Authorities,
    /// Those that these authorities vouch for, and no others.
    Roots(Vec<CertificateDer<'static>>),
    /// Everybody's: for answers that prove themselves, as a quote does. The other side is whoever
    /// answers.
    Anyone,
}

/// Why there is no client for an address.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The chain has attested a TLS key of the enclave, and its address leads to plain HTTP.
    #[error(
        "the chain has attested a TLS key of the enclave, but its address does not begin with https://"
    )]
    NotEncrypted,
    /// The client cannot be made.
    #[error("no client: {0}")]
    Client(#[from] reqwest::Error),
    /// The TLS library does not do what it is asked for.
    #[error("no client: {0}")]
    Tls(#[from] rustls::Error),
}

/// The hash of a certificate's public key.
pub fn key_hash(certificate: &CertificateDer<'_>) -> Result<KeyHash, rustls::Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(Sha256::digest(parsed.subject_public_key_info()).into())
}

/// The hash of a public key (SubjectPublicKeyInfo, DER).
pub fn spki_hash(public_key: &[u8]) -> KeyHash {
    Sha256::digest(public_key).into()
}

/// The cryptography that everything here uses.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A client that accepts these certificates, to be bounded by whoever builds it.
pub fn builder(trust: &Trust) -> Result<ClientBuilder, ClientError> {
    match trust {
        Trust::Nobody => {
            let nobodys = versions()?.with_root_certificates(RootCertStore::empty());
            Ok(preconfigured(nobodys.with_no_client_auth()))
        }
        Trust::Key(hash) => Ok(preconfigured(accepting(Some(*hash))?)),
        Trust::Anyone => Ok(preconfigured(accepting(None)?)),
        Trust::Authorities => Ok(platform()),
        Trust::Roots(roots) => {
            let roots = roots.iter().map(|root| Certificate::from_der(root));
            Ok(platform().tls_certs_only(roots.collect::<Result<Vec<_>, _>>()?))
        }
    }
}

/// reqwest takes the process's provider, and panics where there is none.
fn platform() -> ClientBuilder {
    // One that somebody else has chosen serves as well.
    let _ = ring::default_provider().install_default();
    Client::builder()
}

fn preconfigured(config: ClientConfig) -> ClientBuilder {
    Client::builder().tls_backend_preconfigured(config)
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
}

/// TLS that accepts the key with this hash, or any key. Also of a server that shows a certificate of
/// which it does not have the key, nothing is accepted.
pub fn accepting(key: Option<KeyHash>) -> Result<ClientConfig, rustls::Error> {
    let config = versions()?.dangerous().with_custom_certificate_verifier(verifier(key));
    Ok(config.with_no_client_auth())
}

/// What accepts the key with this hash, or any key.
pub fn verifier(key: Option<KeyHash>) -> Arc<dyn ServerCertVerifier> {
    let algorithms = provider().signature_verification_algorithms;
    Arc::new(ByKey { key, algorithms })
}

/// The other side has shown another key.
#[derive(Debug, thiserror::Error)]
#[error("the server's key is not the one that the chain has attested")]
struct AnotherKey;

/// Accepts one key, or any. That the other side has the key is shown by its signature over the
/// handshake, which is verified always.
#[derive(Debug)]
struct ByKey {
    key: Option<KeyHash>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ByKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = key_hash(end_entity)?;
        if self.key.is_some_and(|key| key != shown) {
            let other = OtherError(Arc::new(AnotherKey));
            return Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Clients for enclaves, each for the key that the chain has of one. Connections are kept open.
pub struct Clients {
    bound: fn(ClientBuilder) -> ClientBuilder,
    /// Who is believed where the chain has no key.
    otherwise: Trust,
    plain: Client,
    /// Made when it is needed: a machine without certificate authorities can use keys and plain HTTP.
    unattested: Mutex<Option<Client>>,
    by_key: Mutex<HashMap<KeyHash, Client>>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("otherwise", &self.otherwise).finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients that `bound` gives their time-outs, and that believe `otherwise` where the chain has no
    /// key.
    pub fn new(
        otherwise: Trust,
        bound: fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, ClientError> {
        let plain = bound(builder(&Trust::Nobody)?).build()?;
        let (unattested, by_key) = (Mutex::default(), Mutex::default());
        Ok(Self { bound, otherwise, plain, unattested, by_key })
    }

    /// The client for an address, of whose enclave the chain has the key with this hash, or
    /// [`NO_KEY`].
    pub fn get(&self, url: &str, key: &KeyHash) -> Result<Client, ClientError> {
        let is_encrypted = url.get(..8).is_some_and(|it| it.eq_ignore_ascii_case("https://"));
        match (is_encrypted, *key == NO_KEY) {
            (false, false) => Err(ClientError::NotEncrypted),
            (false, true) => Ok(self.plain.clone()),
            (true, true) => self.unattested(),
            (true, false) => self.by_key(key),
        }
    }

    fn unattested(&self) -> Result<Client, ClientError> {
        let mut known = self.unattested.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*known {
            return Ok(client.clone());
        }
        let client = self.make(&self.otherwise)?;
        Ok(known.insert(client).clone())
    }

    fn by_key(&self, key: &KeyHash) -> Result<Client, ClientError> {
        let mut known = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(key) {
            return Ok(client.clone());
        }
        let client = self.make(&Trust::Key(*key))?;
        // They cost connections that others use again, no more.
        if known.len() >= MAX_CLIENTS {
            known.clear();
        }
        known.insert(*key, client.clone());
        Ok(client)
    }

    fn make(&self, trust: &Trust) -> Result<Client, ClientError> {
        Ok((self.bound)(builder(trust)?).build()?)
    }
}

#[cfg(test)]
mod tests;

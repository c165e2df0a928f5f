// SPDX-License-Identifier: Apache-2.0
//! Tests of whose TLS keys a wallet accepts.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData};
use tee_primitives::packet::RequesterType;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    rustls::{
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
        ServerConfig,
    },
    TlsAcceptor,
};

use super::*;
use crate::packets::retrieve_packet;

const REFUSAL: &str = r#"{"status":"NOTSYNCED","description":"heard"}"#;

/// Somebody who answers under the enclave's domain, and hears what is said.
struct Listener {
    url: String,
    heard: Arc<AtomicUsize>,
}

impl Listener {
    async fn start(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(tee_tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let heard = Arc::new(AtomicUsize::new(0));
        let hears = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut said = [0; 4096];
                if stream.read(&mut said).await.is_ok_and(|length| length > 0) {
                    hears.fetch_add(1, Ordering::SeqCst);
                }
                let answer = format!(
                    "HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{REFUSAL}",
                    REFUSAL.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

fn member(url: &str, tls_spki_hash: Hash) -> Member {
    Member {
        slot_id: 0,
        operator: [0; 32],
        enclave_account: [1; 32],
        url: url.to_owned(),
        tls_spki_hash,
        encryption_key: None,
    }
}

#[tokio::test]
async fn f4_nothing_is_said_to_who_has_another_certificate_for_the_domain() {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap().der().to_vec();
    let issuer = Issuer::new(params, authority);
    let names = || CertificateParams::new([String::from("localhost")]).unwrap();
    let (enclave, operator) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let attested = tee_tls::spki_hash(&enclave.subject_public_key_info());
    let second = names().signed_by(&operator, &issuer).unwrap().der().clone();
    let own = names().self_signed(&enclave).unwrap().der().clone();
    let (middle, enclave) =
        (Listener::start(second, &operator).await, Listener::start(own, &enclave).await);

    let client = EnclaveClient::of_authority(root).unwrap();
    let owner = subxt_signer::sr25519::dev::alice();
    let packet = retrieve_packet(&owner, RequesterType::Owner, 7, 100);
    // The chain has the enclave's key: the operator's certificate, though valid, is worth nothing.
    let refused = client.of(&member(&middle.url, attested)).retrieve(&middle.url, &packet).await;
    assert!(matches!(refused, Err(EnclaveError::Unreachable { .. })), "{refused:?}");
    let plain = middle.url.replace("https://", "http://");
    let refused = client.of(&member(&plain, attested)).retrieve(&plain, &packet).await;
    assert!(matches!(refused, Err(EnclaveError::NoClient(_))), "{refused:?}");
    assert_eq!(middle.heard(), 0);
    // The enclave itself needs no authority.
    let answer = client.of(&member(&enclave.url, attested)).retrieve(&enclave.url, &packet).await;
    assert!(matches!(answer, Err(EnclaveError::Refused { http: 403, .. })), "{answer:?}");
    assert_eq!(enclave.heard(), 1);
    // Without a key on the chain, the valid certificate would do.
    let heard = client.of(&member(&middle.url, NO_KEY)).retrieve(&middle.url, &packet).await;
    assert!(matches!(heard, Err(EnclaveError::Refused { http: 403, .. })), "{heard:?}");
    assert_eq!(middle.heard(), 1);
}

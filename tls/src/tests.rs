// SPDX-License-Identifier: Apache-2.0

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls::{
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::ResolvesServerCert,
    sign::CertifiedKey,
    ServerConfig,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority { certificate, issuer: Issuer::new(params, key) }
}

fn names() -> CertificateParams {
    CertificateParams::new([String::from("localhost")]).unwrap()
}

fn hash_of(key: &KeyPair) -> KeyHash {
    spki_hash(&key.subject_public_key_info())
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A server that shows this certificate and signs with this key, which need not belong together;
/// its address.
async fn serve(certificate: CertificateDer<'static>, key: &KeyPair, tls12: bool) -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_ecdsa_type(&key).unwrap();
    let shows = Shows(Arc::new(CertifiedKey::new(vec![certificate], key)));
    let versions: &[_] =
        if tls12 { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shows));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(ANSWER).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    format!("https://localhost:{port}")
}

fn bound(builder: ClientBuilder) -> ClientBuilder {
    builder.timeout(Duration::from_secs(30)).no_proxy()
}

async fn ask(clients: &Clients, url: &str, key: &KeyHash) -> Result<String, String> {
    let client = clients.get(url, key).map_err(|error| error.to_string())?;
    let answer = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
    answer.text().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn f4_a_certificate_of_an_authority_does_not_stand_for_the_attested_key() {
    let authority = authority();
    // The operator of the domain gets a second certificate for it, with a key of its own.
    let (enclave, operator) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let second = names().signed_by(&operator, &authority.issuer).unwrap().der().clone();
    let man_in_the_middle = serve(second, &operator, false).await;
    let roots = Trust::Roots(vec![authority.certificate.clone()]);
    let clients = Clients::new(roots, bound).unwrap();
    // Who asks the authorities only is taken in.
    assert_eq!(ask(&clients, &man_in_the_middle, &NO_KEY).await.unwrap(), "ok");
    // Who asks the chain is not.
    let refused = ask(&clients, &man_in_the_middle, &hash_of(&enclave)).await.unwrap_err();
    assert!(refused.contains("AnotherKey"), "{refused}");

    // The enclave itself needs no authority, and one more certificate for its own key does no harm.
    let self_signed = names().self_signed(&enclave).unwrap().der().clone();
    let issued = names().signed_by(&enclave, &authority.issuer).unwrap().der().clone();
    for certificate in [self_signed, issued] {
        let url = serve(certificate, &enclave, false).await;
        assert_eq!(ask(&clients, &url, &hash_of(&enclave)).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_copied_certificate_is_worth_nothing_without_its_key() {
    let (enclave, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let copied = names().self_signed(&enclave).unwrap().der().clone();
    let clients = Clients::new(Trust::Anyone, bound).unwrap();
    for tls12 in [true, false] {
        let url = serve(copied.clone(), &other, tls12).await;
        for key in [hash_of(&enclave), NO_KEY] {
            let refused = ask(&clients, &url, &key).await.unwrap_err();
            assert!(refused.contains("BadSignature"), "{refused}");
        }
        let url = serve(copied.clone(), &enclave, tls12).await;
        assert_eq!(ask(&clients, &url, &hash_of(&enclave)).await.unwrap(), "ok");
        assert_eq!(ask(&clients, &url, &NO_KEY).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn without_an_attested_key_authorities_decide() {
    let (authority, another) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let issued = names().signed_by(&key, &authority.issuer).unwrap().der().clone();
    let elsewhere = CertificateParams::new([String::from("elsewhere.example")]).unwrap();
    let elsewhere = elsewhere.signed_by(&key, &authority.issuer).unwrap().der().clone();
    let self_signed = names().self_signed(&key).unwrap().der().clone();
    let clients = |root: &Authority| {
        Clients::new(Trust::Roots(vec![root.certificate.clone()]), bound).unwrap()
    };
    let url = serve(issued, &key, false).await;
    assert_eq!(ask(&clients(&authority), &url, &NO_KEY).await.unwrap(), "ok");
    ask(&clients(&another), &url, &NO_KEY).await.unwrap_err();
    for certificate in [elsewhere, self_signed] {
        let url = serve(certificate, &key, false).await;
        ask(&clients(&authority), &url, &NO_KEY).await.unwrap_err();
    }
}

#[test]
fn an_attested_key_is_never_left_out_by_plain_http() {
    let clients = Clients::new(Trust::Nobody, bound).unwrap();
    for url in ["http://enclave.example", "enclave.example", "", "httpſ://enclave.example"] {
        assert!(matches!(clients.get(url, &[1; 32]), Err(ClientError::NotEncrypted)), "{url}");
        assert!(clients.get(url, &NO_KEY).is_ok());
    }
    assert!(clients.get("HTTPS://enclave.example", &[1; 32]).is_ok());
}

#[test]
fn clients_are_bounded_in_number() {
    let clients = Clients::new(Trust::Nobody, bound).unwrap();
    for number in 1..=200 {
        clients.get("https://enclave.example", &[number; 32]).unwrap();
        assert!(clients.by_key.lock().unwrap().len() <= MAX_CLIENTS);
    }
}

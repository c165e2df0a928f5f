// SPDX-License-Identifier: Apache-2.0

use std::{net::SocketAddr, time::Duration};

use axum::{routing::get, Router};
use rustls::{
    pki_types::{CertificateDer, ServerName},
    ClientConfig,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time,
};
use tokio_rustls::{client::TlsStream, TlsConnector};

use super::*;
use crate::server::{self, tests::limits, ServerLimits};

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The API's server, speaking TLS; it ends with the value.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Served {
    pub(crate) async fn start(acceptor: TlsAcceptor, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let router = Router::new().route("/", get(|| async { "served" }));
        tokio::spawn(server::serve(
            listener,
            router,
            Some(acceptor),
            limits,
            Default::default(),
            stopping,
        ));
        Self { address, _stop: stop }
    }
}

/// A connection of a client that accepts any key.
pub(crate) async fn connect(
    address: SocketAddr,
    alpn: &[&[u8]],
    change: impl FnOnce(&mut ClientConfig),
) -> io::Result<TlsStream<TcpStream>> {
    let mut config = tee_tls::accepting(None).unwrap();
    config.alpn_protocols = alpn.iter().map(|it| it.to_vec()).collect();
    change(&mut config);
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("enclave.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What a client is shown.
pub(crate) async fn shown(address: SocketAddr, alpn: &[&[u8]]) -> CertificateDer<'static> {
    let stream = connect(address, alpn, |_| ()).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), last: bool) -> String {
    let close = if last { "connection: close\r\n" } else { "" };
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{close}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = time::timeout(DEADLINE, async {
        while !answer.ends_with(b"served") {
            let length = stream.read_buf(&mut answer).await.unwrap();
            assert!(length > 0, "it ended early");
        }
    });
    read.await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn open(folder: &Path, options: &TlsOptions) -> Result<Option<Tls>, TlsError> {
    Tls::open(options, folder, &Arc::new(Sealer::new(&[1; 32])), "account")
}

fn self_signed() -> TlsOptions {
    TlsOptions { mode: TlsMode::SelfSigned, ..Default::default() }
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_with_the_key_that_is_attested() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(folder.path(), &self_signed()).unwrap().unwrap();
    let served = Served::start(tls.acceptor(), limits()).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let only = |config: &mut ClientConfig| {
            let builder = ClientConfig::builder_with_provider(tee_tls::provider());
            let builder = builder.with_protocol_versions(&[version]).unwrap();
            let roots = rustls::RootCertStore::empty();
            let mut other = builder.with_root_certificates(roots).with_no_client_auth();
            let verifier = tee_tls::verifier(Some(tls.attested_key()));
            other.dangerous().set_certificate_verifier(verifier);
            other.alpn_protocols.clone_from(&config.alpn_protocols);
            *config = other;
        };
        let mut stream = connect(served.address, &[b"http/1.1"], only).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(version.version));
        assert_eq!(connection.alpn_protocol(), Some(HTTP));
        assert!(ask(&mut stream, true).await.starts_with("HTTP/1.1 200"));
    }
    // Who offers only what the API does not speak is told so.
    assert!(connect(served.address, &[b"h2"], |_| ()).await.is_err());
    // An authority is shown nothing where none was asked for a certificate.
    assert!(connect(served.address, &[ACME_TLS], |_| ()).await.is_err());
}

#[tokio::test]
async fn f42_a_certificate_is_renewed_while_connections_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(folder.path(), &self_signed()).unwrap().unwrap();
    let served = Served::start(tls.acceptor(), limits()).await;
    let before = shown(served.address, &[]).await;
    let mut kept = connect(served.address, &[], |_| ()).await.unwrap();
    ask(&mut kept, false).await;
    let Keeper::Own(key) = &tls.keeper else { panic!("it has its own key") };
    let evidence = certificate::Evidence { bytes: b"new", now: 1_800_000_000 };
    tls.certificates.renew(key.with_evidence(&evidence).unwrap());
    let after = shown(served.address, &[]).await;
    assert_ne!(before, after);
    for certificate in [&before, &after] {
        assert_eq!(tee_tls::key_hash(certificate).unwrap(), tls.attested_key());
    }
    ask(&mut kept, true).await;
}

#[tokio::test]
async fn plain_http_gets_no_answer_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(folder.path(), &self_signed()).unwrap().unwrap();
    let served = Served::start(tls.acceptor(), limits()).await;
    for bytes in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 4096], &[0x16, 3, 1, 0xff]] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    let mut stream = connect(served.address, &[], |_| ()).await.unwrap();
    ask(&mut stream, true).await;
}

/// One place for a connection: whoever holds it without a handshake loses it.
#[tokio::test]
async fn a_handshake_that_is_not_finished_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(folder.path(), &self_signed()).unwrap().unwrap();
    let short = Duration::from_millis(300);
    let limits = ServerLimits { handshake: short, connections: 1, ..limits() };
    let served = Served::start(tls.acceptor(), limits).await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let mut answer = Vec::new();
    time::timeout(DEADLINE, silent.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.is_empty());
    let mut stream = connect(served.address, &[], |_| ()).await.unwrap();
    ask(&mut stream, true).await;
}

#[test]
fn the_key_stays_from_start_to_start_and_is_none_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let hash =
        |options: &TlsOptions| open(folder.path(), options).unwrap().map(|it| it.attested_key());
    let first = hash(&self_signed()).unwrap();
    assert_eq!(hash(&TlsOptions::default()), None);
    assert_eq!(hash(&self_signed()), Some(first));
    // An authority's certificates are for the same key.
    let domains = vec![String::from("enclave.example")];
    let acme = TlsOptions { mode: TlsMode::Acme, domains, ..Default::default() };
    assert_eq!(hash(&acme), Some(first));
    // A key that others know is not attested.
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let [cert_file, key_file] = ["c.pem", "k.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let files = TlsOptions {
        mode: TlsMode::Files,
        cert: Some(cert_file),
        key: Some(key_file),
        ..Default::default()
    };
    assert_eq!(hash(&files), Some([0; 32]));
}

// SPDX-License-Identifier: Apache-2.0
//! As much of an authority as RFC 8555 needs for one kind of challenge, over HTTPS. It validates for
//! real, by a TLS connection to the enclave, and issues for the key in the request. It does not verify
//! the signatures of what it is asked: they are the client library's.

use std::{
    net::SocketAddr,
    sync::{
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        Arc, Mutex,
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
    Json, Router,
};
use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use rcgen::{
    date_time_ymd, BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData,
    SerialNumber, SignatureAlgorithm, PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    DigitallySignedStruct, ServerConfig, SignatureScheme,
};
use serde_json::{json, Value};
use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::TlsAcceptor;
use x509_cert::{
    der::{asn1::OctetString, Decode, Encode},
    request::CertReq,
    Certificate,
};

use super::{connect, ACME_TLS, DOMAIN};
use crate::{chain::scripted::NOW, server};

/// How long what it issues is valid, in seconds.
pub(super) const LIFE: u64 = 90 * 24 * 3600;

/// SHA-256 of the account's key is what the authority compares with: it takes it from the request.
pub(super) struct Authority {
    state: Arc<Inner>,
    _stop: watch::Sender<bool>,
}

impl std::ops::Deref for Authority {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.state
    }
}

pub(super) struct Inner {
    address: SocketAddr,
    root: CertificateDer<'static>,
    root_pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// Where the domain leads.
    pub(super) enclave: Mutex<Option<SocketAddr>>,
    /// Its clock.
    pub(super) now: AtomicU64,
    pub(super) orders: AtomicUsize,
    /// Orders that are still to be refused.
    pub(super) failures: AtomicUsize,
    /// For what reason.
    pub(super) failure: Mutex<&'static str>,
    pub(super) for_another_key: AtomicBool,
    pub(super) contacts: Mutex<Vec<String>>,
    /// Thumbprint of the account's key.
    thumbprint: Mutex<String>,
    is_valid: AtomicBool,
    issued: Mutex<Vec<Vec<u8>>>,
}

/// A public key of which the authority knows no more.
struct Spki(Vec<u8>);

impl PublicKeyData for Spki {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

const TOKEN: &str = "token-of-the-challenge";

impl Authority {
    pub(super) async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let shown = CertificateParams::new([String::from("localhost")]).unwrap();
        let shown = shown.signed_by(&own, &issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
        let config = ServerConfig::builder_with_provider(tee_tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![shown.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            root: root.der().clone(),
            root_pem: root.pem(),
            issuer,
            enclave: Mutex::default(),
            now: AtomicU64::new(NOW),
            orders: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            failure: Mutex::new("rateLimited"),
            for_another_key: AtomicBool::new(false),
            contacts: Mutex::default(),
            thumbprint: Mutex::default(),
            is_valid: AtomicBool::new(false),
            issued: Mutex::default(),
        });
        let router = Router::new()
            .route("/directory", get(directory))
            .route("/nonce", get(|| async {}))
            .route("/account", post(new_account))
            .route("/order", post(new_order))
            .route("/order/{id}", post(order))
            .route("/authorization", post(authorization))
            .route("/challenge", post(challenge))
            .route("/finalize", post(finalize))
            .route("/certificate/{id}", post(certificate))
            .layer(axum::middleware::map_response(with_nonce))
            .with_state(state.clone());
        let (stop, stopping) = watch::channel(false);
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        let limits = server::tests::limits();
        tokio::spawn(server::serve(listener, router, tls, limits, Default::default(), stopping));
        Self { state, _stop: stop }
    }
}

impl Inner {
    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.address.port())
    }

    pub(super) fn directory(&self) -> String {
        self.url("directory")
    }

    pub(super) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    pub(super) fn has_issued(&self, certificate: &[u8]) -> bool {
        self.issued.lock().unwrap().iter().any(|issued| issued == certificate)
    }

    fn order(&self) -> Value {
        let issued = self.issued.lock().unwrap().len();
        let is_issued = issued == self.orders.load(Ordering::SeqCst);
        let status = match (is_issued, self.is_valid.load(Ordering::SeqCst)) {
            (true, _) => "valid",
            (false, true) => "ready",
            (false, false) => "pending",
        };
        let mut order = json!({
            "status": status,
            "identifiers": [{ "type": "dns", "value": DOMAIN }],
            "authorizations": [self.url("authorization")],
            "finalize": self.url("finalize"),
        });
        if is_issued {
            order["certificate"] = self.url(&format!("certificate/{}", issued - 1)).into();
        }
        order
    }

    /// Looks whether the enclave shows what RFC 8737 wants under its domain.
    async fn validate(&self) -> bool {
        let enclave = self.enclave.lock().unwrap().unwrap();
        // Certificates for validation are like no other: libraries for ordinary ones refuse them.
        let accept = |config: &mut rustls::ClientConfig| {
            config.dangerous().set_certificate_verifier(Arc::new(Anything));
        };
        let stream = match connect(enclave, &[ACME_TLS], accept).await {
            Ok(stream) => stream,
            Err(_) => return false,
        };
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.alpn_protocol(), Some(ACME_TLS));
        let shown = &connection.peer_certificates().unwrap()[0];
        let certificate = Certificate::from_der(shown).unwrap();
        let extensions = certificate.tbs_certificate().extensions().unwrap();
        let found = extensions.iter().find(|it| it.extn_id.to_string() == "1.3.6.1.5.5.7.1.31");
        let digest = OctetString::from_der(found.unwrap().extn_value.as_bytes()).unwrap();
        let authorization = format!("{TOKEN}.{}", self.thumbprint.lock().unwrap());
        digest.as_bytes() == tee_tls::spki_hash(authorization.as_bytes())
    }
}

/// Accepts every certificate: what is in it decides.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tee_tls::provider().signature_verification_algorithms.supported_schemes()
    }
}

type Authoritys = State<Arc<Inner>>;

async fn with_nonce(mut response: Response) -> Response {
    response.headers_mut().insert("replay-nonce", "nonce".parse().unwrap());
    response
}

/// The protected head and the payload of a request.
fn read(body: &[u8]) -> (Value, Value) {
    let request: Value = serde_json::from_slice(body).unwrap();
    let part = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(request[name].as_str().unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    };
    (part("protected"), part("payload"))
}

async fn directory(State(state): Authoritys) -> Json<Value> {
    Json(json!({
        "newNonce": state.url("nonce"),
        "newAccount": state.url("account"),
        "newOrder": state.url("order"),
        "revokeCert": state.url("revoke"),
        "keyChange": state.url("key"),
    }))
}

async fn new_account(State(state): Authoritys, body: Bytes) -> Response {
    let (head, payload) = read(&body);
    assert_eq!(payload["termsOfServiceAgreed"], true);
    for contact in payload["contact"].as_array().unwrap() {
        state.contacts.lock().unwrap().push(contact.as_str().unwrap().to_owned());
    }
    // RFC 7638: the members in this order, without spaces.
    let jwk = &head["jwk"];
    let canonical = format!(
        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
    );
    let thumbprint = URL_SAFE_NO_PAD.encode(tee_tls::spki_hash(canonical.as_bytes()));
    *state.thumbprint.lock().unwrap() = thumbprint;
    let location = [("location", state.url("account/1"))];
    (StatusCode::CREATED, location, Json(json!({ "status": "valid" }))).into_response()
}

async fn new_order(State(state): Authoritys, body: Bytes) -> Response {
    let (_, payload) = read(&body);
    assert_eq!(payload["identifiers"], json!([{ "type": "dns", "value": DOMAIN }]));
    if state.failures.load(Ordering::SeqCst) > 0 {
        state.failures.fetch_sub(1, Ordering::SeqCst);
        let reason = *state.failure.lock().unwrap();
        let problem = json!({ "type": format!("urn:ietf:params:acme:error:{reason}") });
        return (StatusCode::FORBIDDEN, Json(problem)).into_response();
    }
    // What another order has left behind.
    let issued = state.issued.lock().unwrap().len();
    state.orders.store(issued + 1, Ordering::SeqCst);
    state.is_valid.store(false, Ordering::SeqCst);
    let location = [("location", state.url("order/1"))];
    (StatusCode::CREATED, location, Json(state.order())).into_response()
}

async fn order(State(state): Authoritys) -> Json<Value> {
    Json(state.order())
}

async fn authorization(State(state): Authoritys) -> Json<Value> {
    let is_valid = state.is_valid.load(Ordering::SeqCst);
    let status = if is_valid { "valid" } else { "pending" };
    Json(json!({
        "status": status,
        "identifier": { "type": "dns", "value": DOMAIN },
        "challenges": [
            { "type": "http-01", "url": state.url("other"), "token": "other", "status": "pending" },
            {
                "type": "tls-alpn-01",
                "url": state.url("challenge"),
                "token": TOKEN,
                "status": status,
            },
        ],
    }))
}

async fn challenge(State(state): Authoritys) -> Json<Value> {
    let is_valid = tokio::time::timeout(Duration::from_secs(20), state.validate()).await;
    state.is_valid.store(is_valid.unwrap_or(false), Ordering::SeqCst);
    Json(json!({
        "type": "tls-alpn-01",
        "url": state.url("challenge"),
        "token": TOKEN,
        "status": "processing",
    }))
}

async fn finalize(State(state): Authoritys, body: Bytes) -> Response {
    let (_, payload) = read(&body);
    if !state.is_valid.load(Ordering::SeqCst) {
        let problem = json!({ "type": "urn:ietf:params:acme:error:orderNotReady" });
        return (StatusCode::FORBIDDEN, Json(problem)).into_response();
    }
    let request = URL_SAFE_NO_PAD.decode(payload["csr"].as_str().unwrap()).unwrap();
    let request = CertReq::from_der(&request).unwrap();
    let mut key = Spki(request.info.public_key.subject_public_key.raw_bytes().to_vec());
    if state.for_another_key.load(Ordering::SeqCst) {
        key = Spki(KeyPair::generate().unwrap().der_bytes().to_vec());
    } else {
        let spki = request.info.public_key.to_der().unwrap();
        assert_eq!(key.subject_public_key_info(), spki);
    }
    let mut params = CertificateParams::new([DOMAIN.to_owned()]).unwrap();
    let now = Duration::from_secs(state.now.load(Ordering::SeqCst));
    params.not_before = date_time_ymd(1970, 1, 1) + now;
    params.not_after = params.not_before + Duration::from_secs(LIFE);
    let number = state.issued.lock().unwrap().len();
    params.serial_number = Some(SerialNumber::from(number as u64 + 1));
    let certificate = params.signed_by(&key, &state.issuer).unwrap();
    state.issued.lock().unwrap().push(certificate.der().to_vec());
    Json(state.order()).into_response()
}

async fn certificate(State(state): Authoritys, Path(id): Path<usize>) -> Response {
    let pem = |der: &[u8]| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    let issued = state.issued.lock().unwrap()[id].clone();
    let chain = pem(&issued) + &pem(&state.root);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/pem-certificate-chain".parse().unwrap());
    (headers, chain).into_response()
}

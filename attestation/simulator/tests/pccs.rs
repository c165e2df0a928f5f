// SPDX-License-Identifier: Apache-2.0
//! The PCCS over HTTP.

mod common;

use std::{
    future::IntoFuture,
    net::SocketAddr,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
};

use common::{enclave, verify, NOW, REPORT_DATA};
use percent_encoding::percent_decode_str;
use reqwest::{header::CONTENT_TYPE, Response, StatusCode};
use tee_simulator::{
    pccs::{self, PccsOptions},
    Authority, Collateral, DEVELOPMENT_FMSPC,
};
use tee_tls::Trust;
use tokio::net::TcpListener;

struct Server {
    address: SocketAddr,
    now: Arc<AtomicU64>,
}

impl Server {
    async fn start(change: impl FnOnce(&mut PccsOptions)) -> Self {
        let now = Arc::new(AtomicU64::new(NOW));
        let clock = now.clone();
        let mut options = PccsOptions::new(move || clock.load(Ordering::SeqCst));
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, pccs::router(options)).into_future());
        Self { address, now }
    }

    async fn get(&self, path: &str) -> Response {
        let url = format!("http://{}/sgx/certification/v4/{path}", self.address);
        let client = tee_tls::builder(&Trust::Nobody).unwrap().build().unwrap();
        client.get(url).send().await.unwrap()
    }

    async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status().as_u16()
    }

    /// What a verifier gathers for a machine of the Processor CA.
    async fn collateral(&self, parameters: &str) -> Collateral {
        let fmspc = hex::encode_upper(DEVELOPMENT_FMSPC);
        let tcb = self.get(&format!("tcb?fmspc={fmspc}{parameters}")).await;
        assert_eq!(tcb.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        let tcb_info_issuer_chain = chain(&tcb, "TCB-Info-Issuer-Chain");
        let (tcb_info, tcb_info_signature) = cut(&tcb.text().await.unwrap(), "tcbInfo");

        let parameters = parameters.replacen('&', "?", 1);
        let qe = self.get(&format!("qe/identity{parameters}")).await;
        assert_eq!(qe.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        let qe_identity_issuer_chain = chain(&qe, "SGX-Enclave-Identity-Issuer-Chain");
        let (qe_identity, qe_identity_signature) =
            cut(&qe.text().await.unwrap(), "enclaveIdentity");

        let pck = self.get("pckcrl?ca=processor&encoding=der").await;
        assert_eq!(pck.headers()[CONTENT_TYPE], "application/pkix-crl");
        let pck_crl_issuer_chain = chain(&pck, "SGX-PCK-CRL-Issuer-Chain");
        let pck_crl = pck.bytes().await.unwrap().to_vec();
        let root_crl = hex::decode(self.get("rootcacrl").await.text().await.unwrap()).unwrap();
        Collateral {
            root_crl,
            pck_crl,
            pck_crl_issuer_chain,
            tcb_info,
            tcb_info_signature,
            tcb_info_issuer_chain,
            qe_identity,
            qe_identity_signature,
            qe_identity_issuer_chain,
        }
    }
}

fn chain(response: &Response, name: &str) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    let value = response.headers()[name].to_str().unwrap();
    assert!(value.starts_with("-----BEGIN%20CERTIFICATE-----%0A"), "{value}");
    percent_decode_str(value).decode_utf8().unwrap().into_owned()
}

/// The document as it stands in the answer, and its signature.
fn cut(body: &str, name: &str) -> (String, [u8; 64]) {
    let rest = body.strip_prefix(&format!("{{\"{name}\":")).unwrap();
    let (document, signature) = rest.split_once(",\"signature\":\"").unwrap();
    let signature = signature.strip_suffix("\"}").unwrap();
    (document.into(), hex::decode(signature).unwrap().try_into().unwrap())
}

#[tokio::test]
async fn a_quote_is_up_to_date_by_what_is_served() {
    let server = Server::start(|_| ()).await;
    let quote = Authority::development().machine(0).quote(&enclave(), &REPORT_DATA);
    let collateral = server.collateral("").await;
    assert_eq!(verify(&quote, &collateral, NOW).unwrap().status, "UpToDate");
    assert!(collateral.tcb_info.contains("\"tcbEvaluationDataNumber\":18"));
}

#[tokio::test]
async fn early_collateral_has_its_own_number() {
    let server = Server::start(|options| options.early_evaluation_number = Some(21)).await;
    for (parameters, number) in [
        ("", 18),
        ("&update=standard", 18),
        ("&update=early", 21),
        ("&tcbEvaluationDataNumber=18", 18),
        ("&tcbEvaluationDataNumber=21", 21),
    ] {
        let collateral = server.collateral(parameters).await;
        let field = format!("\"tcbEvaluationDataNumber\":{number},");
        assert!(collateral.tcb_info.contains(&field), "{parameters}");
        assert!(collateral.qe_identity.contains(&field), "{parameters}");
    }
    assert_eq!(server.status("qe/identity?tcbEvaluationDataNumber=19").await, 404);
    let without = Server::start(|_| ()).await;
    assert!(without.collateral("&update=early").await.tcb_info.contains("DataNumber\":18,"));
}

#[tokio::test]
async fn answers_repeat_until_the_quarter_of_their_life_is_over() {
    let server = Server::start(|options| options.validity = 40).await;
    let begin = NOW - NOW % 10;
    let mut previous = None;
    for quarter in 0..3 {
        server.now.store(begin + 10 * quarter, Ordering::SeqCst);
        let first = server.collateral("").await;
        server.now.store(begin + 10 * quarter + 9, Ordering::SeqCst);
        assert_eq!(server.collateral("").await, first);
        assert_ne!(previous.replace(first.clone()), Some(first));
    }
    // What was served last is valid for three more quarters.
    let quote = Authority::development().machine(0).quote(&enclave(), &REPORT_DATA);
    let collateral = previous.unwrap();
    assert!(verify(&quote, &collateral, begin + 20 + 39).is_ok());
    assert!(verify(&quote, &collateral, begin + 20 + 41).is_err());
}

#[tokio::test]
async fn a_life_of_one_second_is_served() {
    let server = Server::start(|options| options.validity = 1).await;
    let quote = Authority::development().machine(0).quote(&enclave(), &REPORT_DATA);
    assert!(verify(&quote, &server.collateral("").await, NOW).is_ok());
}

#[tokio::test]
async fn a_revoked_machine_is_in_the_crl() {
    let authority = Authority::development();
    let serial = authority.machine(1).serial();
    let server = Server::start(|options| options.revoked_pck.push(serial)).await;
    let collateral = server.collateral("").await;
    for number in 0..3 {
        let quote = authority.machine(number).quote(&enclave(), &REPORT_DATA);
        assert_eq!(verify(&quote, &collateral, NOW).is_ok(), number != 1);
    }
}

#[tokio::test]
async fn a_crl_has_three_encodings() {
    let server = Server::start(|_| ()).await;
    let plain = server.get("pckcrl?ca=platform").await.bytes().await.unwrap();
    let der = server.get("pckcrl?ca=PLATFORM&encoding=DER").await.bytes().await.unwrap();
    assert_eq!(plain, der);
    let pem = server.get("pckcrl?ca=platform&encoding=pem").await;
    assert_eq!(pem.headers()[CONTENT_TYPE], "application/x-pem-file");
    let pem = pem.text().await.unwrap();
    assert!(pem.starts_with("-----BEGIN X509 CRL-----\n"), "{pem}");
    let (_, decoded) = x509_cert::der::pem::decode_vec(pem.as_bytes()).unwrap();
    assert_eq!(decoded, der);
}

#[tokio::test]
async fn other_requests_get_a_status() {
    let server = Server::start(|_| ()).await;
    for (path, status) in [
        ("tcb?fmspc=00de0000f00d", 200),
        ("tcb?fmspc=00DE0000F00D", 200),
        ("tcb?fmspc=00A067110000", 404),
        ("tcb", 400),
        ("tcb?fmspc=", 400),
        ("tcb?fmspc=00DE0000F0", 400),
        ("tcb?fmspc=00DE0000F00D00", 400),
        ("tcb?fmspc=00DE0000F00G", 400),
        ("tcb?fmspc=00DE0000F00D&update=late", 400),
        ("tcb?fmspc=00DE0000F00D&update=early&tcbEvaluationDataNumber=18", 400),
        ("tcb?fmspc=00DE0000F00D&tcbEvaluationDataNumber=x", 400),
        ("qe/identity", 200),
        ("qe/identity?update=late", 400),
        ("pckcrl", 400),
        ("pckcrl?ca=root", 400),
        ("pckcrl?ca=processor&encoding=jpeg", 400),
        ("rootcacrl", 200),
        ("pckcert", 404),
    ] {
        assert_eq!(server.status(path).await, status, "{path}");
    }
}

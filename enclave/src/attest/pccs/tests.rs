// SPDX-License-Identifier: Apache-2.0

use axum::{
    http::{header, HeaderMap, StatusCode},
    response::{IntoResponse, Redirect},
    routing::get,
    Router,
};
use tee_simulator::{
    pccs::{router, PccsOptions},
    Authority,
};
use tokio::net::TcpListener;

use super::*;
use crate::chain::scripted::{
    attesting::{self, id_of, CA, COLLATERAL, FMSPC},
    NOW,
};

const TCB: &str = "/sgx/certification/v4/tcb";
const PCK_CRL: &str = "/sgx/certification/v4/pckcrl";
const ROOT_CRL: &str = "/sgx/certification/v4/rootcacrl";
const CHAIN: &str = "TCB-Info-Issuer-Chain";

/// Serves until the test ends.
async fn serve(router: Router) -> Pccs {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    Pccs::new(&url).unwrap()
}

fn simulated() -> Router {
    router(PccsOptions::new(|| NOW))
}

/// A service with a root CRL, and one other answer.
fn only(path: &str, answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Router {
    let crl = PccsOptions::new(|| NOW).collateral(FMSPC, tee_simulator::PckCa::Processor, 18);
    Router::new()
        .route(ROOT_CRL, get(move || async { crl.root_crl }))
        .route(path, get(move || async { answer }))
}

async fn fetch(pccs: &Pccs, id: CollateralId) -> Result<CollateralItem, PccsError> {
    pccs.document(id, &attesting::root(), NOW).await
}

#[tokio::test]
async fn each_document_is_fetched_as_it_was_signed() {
    let pccs = serve(simulated()).await;
    for id in COLLATERAL {
        let item = fetch(&pccs, id).await.unwrap();
        assert_eq!(id_of(&item), id);
    }
}

#[tokio::test]
async fn what_does_not_verify_is_refused_here() {
    let expired = PccsOptions::new(|| NOW - 400 * 86_400);
    let forged =
        PccsOptions { authority: Authority::from_seed([9; 32]), ..PccsOptions::new(|| NOW) };
    for options in [expired, forged] {
        let pccs = serve(router(options)).await;
        for id in COLLATERAL {
            let error = fetch(&pccs, id).await.unwrap_err();
            assert!(matches!(error, PccsError::Refused(_)), "{error}");
        }
    }
}

#[tokio::test]
async fn documents_about_something_else_are_refused() {
    let other = [9, 9, 9, 9, 9, 9];
    let options = PccsOptions { fmspcs: vec![FMSPC, other], ..PccsOptions::new(|| NOW) };
    let tcb = options.collateral(other, tee_simulator::PckCa::Platform, 18);
    let body = format!(
        r#"{{"tcbInfo":{},"signature":"{}"}}"#,
        tcb.tcb_info,
        hex::encode(tcb.tcb_info_signature)
    );
    let chain = percent_encoding::utf8_percent_encode(
        &tcb.tcb_info_issuer_chain,
        percent_encoding::NON_ALPHANUMERIC,
    )
    .to_string();
    let pccs = serve(only(TCB, ([(CHAIN, chain)], body))).await;
    assert_eq!(fetch(&pccs, CollateralId::TcbInfo(FMSPC)).await, Err(PccsError::Another));
    assert!(fetch(&pccs, CollateralId::TcbInfo(other)).await.is_ok());

    let chain = percent_encoding::utf8_percent_encode(
        &tcb.pck_crl_issuer_chain,
        percent_encoding::NON_ALPHANUMERIC,
    )
    .to_string();
    let answer = ([("SGX-PCK-CRL-Issuer-Chain", chain)], tcb.pck_crl);
    let pccs = serve(only(PCK_CRL, answer)).await;
    assert_eq!(fetch(&pccs, CollateralId::PckCrl(CA)).await, Err(PccsError::Another));
}

#[tokio::test]
async fn every_malformed_answer_is_an_error() {
    let id = CollateralId::TcbInfo(FMSPC);
    let long_chain = "x".repeat(tee_dcap::MAX_CHAIN_LEN as usize + 1);
    let long_json = format!(r#"{{"tcbInfo":"{}","signature":""}}"#, "x".repeat(40_000));
    let with_chain = |body: &str| ([(CHAIN, "%41")], body.to_owned());
    let cases = [
        (([(CHAIN, "")], String::from("{}")), PccsError::Malformed),
        (with_chain(""), PccsError::Malformed),
        (with_chain("[]"), PccsError::Malformed),
        (with_chain(r#"{"tcbInfo":{}}"#), PccsError::Malformed),
        (with_chain(r#"{"tcbInfo":{},"signature":"00"}"#), PccsError::Malformed),
        (with_chain(r#"{"tcbInfo":{},"signature":1}"#), PccsError::Malformed),
        (with_chain("\u{0}\u{1}"), PccsError::Malformed),
        (with_chain(&long_json), PccsError::TooLong),
    ];
    for (answer, expected) in cases {
        let pccs = serve(only(TCB, answer)).await;
        assert_eq!(fetch(&pccs, id).await, Err(expected));
    }
    let pccs = serve(only(TCB, ([(CHAIN, long_chain)], "{}"))).await;
    assert_eq!(fetch(&pccs, id).await, Err(PccsError::TooLong));
    let pccs = serve(only(TCB, "{}")).await;
    assert_eq!(fetch(&pccs, id).await, Err(PccsError::NoIssuerChain));
    let signature = "00".repeat(64);
    let unsigned = format!(r#"{{"tcbInfo":{{}},"signature":"{signature}"}}"#);
    let pccs = serve(only(TCB, with_chain(&unsigned))).await;
    assert!(matches!(fetch(&pccs, id).await, Err(PccsError::Refused(_))));
    let pccs = serve(only(TCB, StatusCode::NOT_FOUND)).await;
    assert_eq!(fetch(&pccs, id).await, Err(PccsError::Status(404)));
}

/// They could lead into a network that only this machine reaches.
#[tokio::test]
async fn redirections_are_not_followed() {
    let target = serve(simulated()).await;
    let to = format!("{}/rootcacrl", target.base);
    let pccs =
        serve(Router::new().route(ROOT_CRL, get(move || async move { Redirect::temporary(&to) })))
            .await;
    assert_eq!(fetch(&pccs, CollateralId::RootCrl).await, Err(PccsError::Status(307)));
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_never_ends_is_given_up() {
    let endless = get(|| async {
        let zeros = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'0'; 4096]));
        axum::body::Body::from_stream(zeros)
    });
    let pccs = serve(Router::new().route(ROOT_CRL, endless)).await;
    assert_eq!(fetch(&pccs, CollateralId::RootCrl).await, Err(PccsError::TooLong));

    let silent = get(|| async {
        std::future::pending::<()>().await;
        HeaderMap::from_iter([(header::AGE, header::HeaderValue::from_static("0"))])
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route(ROOT_CRL, silent);
    tokio::spawn(async { axum::serve(listener, router).await });
    let pccs = Pccs::with_limit(&url, Duration::from_millis(50)).unwrap();
    assert_eq!(
        fetch(&pccs, CollateralId::RootCrl).await,
        Err(PccsError::Unreachable("not in time"))
    );
    // Port 1 is privileged and nothing listens there.
    let pccs = Pccs::new("http://user:secret@127.0.0.1:1").unwrap();
    let error = fetch(&pccs, CollateralId::RootCrl).await.unwrap_err();
    assert_eq!(error.to_string(), "it does not answer (no connection)");
    assert!(!format!("{pccs:?}").contains("secret"));
}

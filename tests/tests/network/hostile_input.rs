// SPDX-License-Identifier: Apache-2.0
//! Requests that no honest client sends: each gets a client error in JSON, soon, and the enclave
//! goes on.

use std::time::Duration;

use anyhow::{ensure, Context};
use reqwest::Method;
use tee_cli::devnet::Devnet;
use tee_tests::{http, Answer};

const ROUTES: [(&str, &str); 5] = [
    ("GET", "/api/health"),
    ("GET", "/api/quote"),
    ("GET", "/api/secret-nft/is-keyshare-available/1"),
    ("POST", "/api/secret-nft/store-keyshare"),
    ("POST", "/api/secret-nft/retrieve-keyshare"),
];

const JSON: &str = "application/json";

async fn send(
    devnet: &Devnet,
    method: &str,
    route: &str,
    content_type: &str,
    body: Vec<u8>,
) -> anyhow::Result<Answer> {
    let url = format!("{}{route}", devnet.enclaves[0].url());
    let request = http()?
        .request(Method::from_bytes(method.as_bytes())?, url)
        .timeout(Duration::from_secs(10))
        .header("content-type", content_type)
        .body(body);
    let what = format!("{method} {route}");
    let response = request.send().await.with_context(|| what.clone())?;
    Answer::read(response).await.context(what)
}

fn is_client_error(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.code.is_client_error(), "{answer:?}");
    ensure!(!answer.status().is_empty(), "no status: {answer:?}");
    ensure!(answer.body["description"].is_string(), "no description: {answer:?}");
    Ok(())
}

async fn still_serves(devnet: &Devnet) -> anyhow::Result<()> {
    for slot in 0..devnet.enclaves.len() {
        devnet.health(slot).await?;
    }
    Ok(())
}

fn garbage() -> Vec<Vec<u8>> {
    vec![
        vec![],
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"\\ud800\"".to_vec(),
        vec![0xff; 1000],
        "[".repeat(10_000).into_bytes(),
        br#"{"owner_address":1}"#.to_vec(),
        br#"{"owner_address":"","signer_address":"","signersig":"","data":"","signature":""}"#
            .to_vec(),
        br#"{"requester_address":"x","requester_type":"KING","data":"","signature":""}"#.to_vec(),
    ]
}

pub async fn garbage_gets_a_client_error_in_json(devnet: &mut Devnet) -> anyhow::Result<()> {
    for (method, route) in ROUTES {
        for body in garbage() {
            if method == "POST" {
                is_client_error(&send(devnet, method, route, JSON, body.clone()).await?)?;
            }
            // No route takes these methods.
            for wrong in ["DELETE", "PUT", "PATCH"] {
                let answer = send(devnet, wrong, route, JSON, body.clone()).await?;
                ensure!(answer.code == 405, "{wrong} {route}: {answer:?}");
                is_client_error(&answer)?;
            }
        }
    }
    for route in ["/", "/api", "/api/nothing", "/api/secret-nft/", "/api/health/more", "/%00"] {
        let answer = send(devnet, "GET", route, JSON, vec![]).await?;
        ensure!(answer.code == 404, "{route}: {answer:?}");
        is_client_error(&answer)?;
    }
    for id in ["abc", "-1", "4294967296", "1.5", "%ff", "%00"] {
        let route = format!("/api/secret-nft/is-keyshare-available/{id}");
        is_client_error(&send(devnet, "GET", &route, JSON, vec![]).await?)?;
    }
    still_serves(devnet).await
}

pub async fn large_bodies_get_a_client_error_in_json(devnet: &mut Devnet) -> anyhow::Result<()> {
    const LARGE: usize = 10 * 1024 * 1024;
    let json = format!(r#"{{"owner_address":"{}"}}"#, "a".repeat(LARGE)).into_bytes();
    for (method, route) in ROUTES {
        if method == "POST" {
            for body in [json.clone(), vec![b'x'; LARGE]] {
                let answer = send(devnet, method, route, JSON, body).await?;
                ensure!(answer.code == 413, "{route}: {}", answer.code);
                is_client_error(&answer)?;
            }
        }
    }
    still_serves(devnet).await
}

pub async fn wrong_types_get_a_client_error_in_json(devnet: &mut Devnet) -> anyhow::Result<()> {
    let body = br#"{"requester_address":"","requester_type":"OWNER","data":"","signature":""}"#;
    for (method, route) in ROUTES {
        if method == "POST" {
            for content_type in ["text/plain", "application/x-www-form-urlencoded", "image/png"] {
                let answer = send(devnet, method, route, content_type, body.to_vec()).await?;
                ensure!(answer.code == 415, "{route} {content_type}: {answer:?}");
                is_client_error(&answer)?;
            }
            let fields = ["owner_address", "requester_address", "data", "signature"];
            for (field, value) in fields.iter().flat_map(|f| {
                ["1", "null", "[]", "{}", "true"].into_iter().map(move |value| (f, value))
            }) {
                let body = format!(r#"{{"{field}":{value}}}"#).into_bytes();
                let answer = send(devnet, method, route, JSON, body).await?;
                ensure!(answer.code == 422, "{route} {field}={value}: {answer:?}");
                is_client_error(&answer)?;
            }
        }
    }
    still_serves(devnet).await
}

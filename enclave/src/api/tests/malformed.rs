// SPDX-License-Identifier: Apache-2.0
//! Whatever is sent, the answer is JSON, and it is never the enclave's fault.

use super::*;

const ROUTES: [(&str, &str); 18] = [
    ("GET", "/api/health"),
    ("GET", "/api/quote"),
    ("GET", "/api/secret-nft/is-keyshare-available/7"),
    ("POST", "/api/secret-nft/store-keyshare"),
    ("POST", "/api/secret-nft/retrieve-keyshare"),
    ("GET", "/api/capsule-nft/is-keyshare-available/7"),
    ("POST", "/api/capsule-nft/set-keyshare"),
    ("POST", "/api/capsule-nft/store-keyshare"),
    ("POST", "/api/capsule-nft/retrieve-keyshare"),
    ("POST", "/api/backup"),
    ("POST", "/api/restore"),
    ("GET", "/api/secret-nft/get-views-log/7"),
    ("GET", "/api/openapi.json"),
    ("POST", "/api/secret-nft/remove-keyshare"),
    ("POST", "/api/capsule-nft/remove-keyshare"),
    ("POST", "/api/slot-sync"),
    ("POST", "/api/slot-sync/"),
    ("POST", "/api/metric/interval-nft-list"),
];

fn request(method: &str, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    request.body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn f22_garbage_is_answered_with_a_status_on_every_route() {
    let enclave = Enclave::start().await;
    let deep = "[".repeat(10_000).into_bytes();
    let bodies: [&[u8]; 14] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b"\"text\"",
        b"12345678901234567890123456789",
        b"{\"data\": 1}",
        b"{\"owner_address\":null,\"signer_address\":1,\"signersig\":[],\"data\":{},\"signature\":true}",
        b"{\"requester_address\":\"\",\"requester_type\":\"KING\",\"data\":\"\",\"signature\":\"\"}",
        b"{\"requester_address\":\"\",\"requester_type\":\"OWNER\",\"data\":\"\",\"signature\":\"\"}",
        b"{\"owner_address\":\"\",\"signer_address\":\"\",\"signersig\":\"\",\"data\":\"\",\"signature\":\"\"}",
        &deep,
    ];
    for (method, path) in ROUTES {
        for content_type in [None, Some("application/json"), Some("text/plain"), Some("/;;")] {
            for body in bodies {
                let request = request(method, path, content_type, body.to_vec());
                let answer = enclave.send(request).await;
                let expected = if method == "GET" { 200..300 } else { 400..500 };
                assert!(expected.contains(&answer.code.as_u16()), "{path} {body:?}: {answer:?}");
                assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
            }
        }
    }
}

#[tokio::test]
async fn large_bodies_are_refused_on_every_route() {
    let enclave = Enclave::start().await;
    for (method, path) in ROUTES {
        for size in [ApiLimits::default().body + 1, 10_000_000] {
            let json = Some("application/json");
            let answer = enclave.send(request(method, path, json, vec![b'a'; size])).await;
            answer.is(413, "BODYTOOLARGE");
        }
    }
    // The largest share in the largest packet fits.
    let largest = "s".repeat(tee_primitives::keyshare::MAX_SHARE_LEN);
    enclave.store(&store_packet(NFT, &largest, 100)).await.is(200, "STORESUCCESS");
}

#[tokio::test]
async fn routes_and_methods_that_do_not_exist_are_answered_with_json() {
    let enclave = Enclave::start().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/health/",
        "/api/secret-nft/store-keyshare/x",
        "/%00",
        "/api/secret-nft/is-keyshare-available/",
    ] {
        enclave.get(path).await.is(404, "NOTFOUND");
    }
    for (method, path) in ROUTES {
        let wrong = if method == "GET" { "POST" } else { "GET" };
        for method in [wrong, "DELETE", "PUT", "PATCH", "BREW"] {
            let answer = enclave.send(request(method, path, None, vec![])).await;
            answer.is(405, "METHODNOTALLOWED");
        }
    }
}

#[tokio::test]
async fn an_nft_id_that_is_no_number_is_refused() {
    let enclave = Enclave::start().await;
    for id in ["x", "-1", "4294967296", "1.5", "%20", "%ff", "99999999999999999999"] {
        let answer = enclave.get(&format!("/api/secret-nft/is-keyshare-available/{id}")).await;
        answer.is(400, "INVALIDNFTID");
    }
    let last = enclave.get("/api/secret-nft/is-keyshare-available/4294967295").await;
    assert_eq!(last.code, StatusCode::OK);
}

#[tokio::test]
async fn errors_name_the_nft_and_the_enclave() {
    let enclave = Enclave::start().await;
    let answer = enclave.store(&store_packet(9, SHARE, 50)).await;
    answer.is(400, "EXPIREDSIGNER");
    assert_eq!(
        answer.body,
        json!({
            "status": "EXPIREDSIGNER",
            "nft_id": 9,
            "enclave_account": enclave.context.account.address(),
            "description": "TEE Key-share NFTSTORE: The signer account has been expired or is not \
                            in valid range.",
        })
    );
}

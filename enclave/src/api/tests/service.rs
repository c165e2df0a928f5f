// SPDX-License-Identifier: Apache-2.0
//! What operators meet: limits on clients, metrics, and logs that tell nothing of requesters.

use std::{
    collections::HashSet,
    io::Write,
    net::SocketAddr,
    num::NonZeroU32,
    sync::{Mutex, OnceLock},
};

use axum::extract::ConnectInfo;
use futures::stream;
use tracing_subscriber::{fmt, EnvFilter};

use super::*;

const ADDRESS: &str = "203.0.113.77:40077";
const OTHER_ADDRESS: &str = "203.0.113.78:40078";

/// All of the API's routes.
const ROUTES: [(&str, &str); 18] = [
    ("GET", "/api/health"),
    ("GET", "/api/quote"),
    ("GET", "/api/secret-nft/is-keyshare-available/7"),
    ("GET", "/api/secret-nft/get-views-log/7"),
    ("POST", "/api/secret-nft/store-keyshare"),
    ("POST", "/api/secret-nft/retrieve-keyshare"),
    ("POST", "/api/secret-nft/remove-keyshare"),
    ("GET", "/api/capsule-nft/is-keyshare-available/7"),
    ("GET", "/api/capsule-nft/get-views-log/7"),
    ("POST", "/api/capsule-nft/set-keyshare"),
    ("POST", "/api/capsule-nft/store-keyshare"),
    ("POST", "/api/capsule-nft/retrieve-keyshare"),
    ("POST", "/api/capsule-nft/remove-keyshare"),
    ("POST", "/api/slot-sync"),
    ("POST", "/api/backup"),
    ("POST", "/api/restore"),
    ("POST", "/api/metric/interval-nft-list"),
    ("GET", "/api/openapi.json"),
];

/// The request, as if it came from an address.
fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo(address.parse::<SocketAddr>().unwrap()));
    request
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
}

async fn limited(rate: Option<Rate>, concurrent: u32) -> Enclave {
    let client = ClientLimits { rate, concurrent: NonZeroU32::new(concurrent) };
    let api = ApiLimits { client, ..Default::default() };
    Enclave::start_with(Setup { api, ..Default::default() }).await
}

impl Enclave {
    /// The text of the metrics.
    async fn metrics(&self) -> String {
        let monitor = monitor(self.context.clone());
        let response = in_time(monitor.oneshot(get("/metrics"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let content_type = &response.headers()[header::CONTENT_TYPE];
        assert!(content_type.to_str().unwrap().starts_with("application/openmetrics-text;"));
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

/// The value of a metric that is there once.
#[track_caller]
fn value(metrics: &str, name: &str) -> f64 {
    let mut found = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = found.next().unwrap_or_else(|| panic!("no {name} in {metrics}"));
    assert_eq!(found.next(), None);
    value.parse().unwrap()
}

/// F39: nothing kept one client from taking all of the enclave's, or of its node's, time.
#[tokio::test]
async fn f39_a_client_that_asks_too_often_is_told_when_to_come_back() {
    let one = NonZeroU32::MIN;
    let enclave = limited(Some(Rate { per_second: one, burst: one }), 0).await;
    let log = "/api/secret-nft/get-views-log/7";
    let mut refused = None;
    // It takes one of them a second to be let through.
    for _ in 0..50 {
        let answer = enclave.send(from(ADDRESS, get(log))).await;
        if answer.code == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("one of so many is refused");
    refused.is(429, "TOOMANYREQUESTS");
    let wait: u64 = refused.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // A browser sees the answer too.
    assert_eq!(refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    // There is no way around it.
    let mut is_refused = false;
    for _ in 0..50 {
        let preflight = from(ADDRESS, request("OPTIONS", log, ""));
        let answer = enclave.router.clone().oneshot(preflight).await.unwrap();
        is_refused |= answer.status() == StatusCode::TOO_MANY_REQUESTS;
        if is_refused {
            break;
        }
    }
    assert!(is_refused, "OPTIONS is not bounded");
    // Neither another client nor another enclave is concerned.
    assert_ne!(enclave.send(from(OTHER_ADDRESS, get(log))).await.code.as_u16(), 429);
    for _ in 0..50 {
        let answer = enclave.send(from(ADDRESS, request("POST", "/api/slot-sync", "{}"))).await;
        assert_ne!(answer.code.as_u16(), 429);
    }
    assert!(value(&enclave.metrics().await, "tee_enclave_refused_total{limit=\"rate\"}") >= 1.0);
}

#[tokio::test]
async fn f39_slow_requests_of_one_client_leave_room_for_others() {
    let enclave = limited(None, 2).await;
    // Their bodies never end.
    let slow: Vec<_> = (0..2)
        .map(|_| {
            let body = Body::from_stream(stream::pending::<Result<Vec<u8>, io::Error>>());
            let request = Request::post("/api/secret-nft/store-keyshare").body(body).unwrap();
            tokio::spawn(enclave.router.clone().oneshot(from(ADDRESS, request)))
        })
        .collect();
    let working = "tee_enclave_requests_working";
    in_time(async {
        while value(&enclave.metrics().await, working) < 2.0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = enclave.send(from(ADDRESS, get("/api/quote"))).await;
    refused.is(429, "TOOMANYATONCE");
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(enclave.send(from(OTHER_ADDRESS, get("/api/quote"))).await.code, StatusCode::OK);
    // When they are given up, there is room again.
    for request in slow {
        request.abort();
        let _ = request.await;
    }
    assert_eq!(enclave.send(from(ADDRESS, get("/api/quote"))).await.code, StatusCode::OK);
    let metrics = enclave.metrics().await;
    assert_eq!(value(&metrics, working), 0.0);
    assert_eq!(value(&metrics, "tee_enclave_refused_total{limit=\"at-once\"}"), 1.0);
}

/// F9: whoever wanted could put an enclave out of service by a request that was then refused.
#[tokio::test]
async fn f9_no_request_changes_what_health_says() {
    let enclave = Enclave::start().await;
    let before = enclave.get("/api/health").await;
    assert_eq!(before.body["sync_state"], json!("100"));
    let hostile = r#"{"maintenance":"x","requester_address":"x","data":"0_0_0","signature":"0x",
        "admin_address":"x","block_number":0,"nft_id":0,"auth_token":"0_0"}"#;
    for (method, path) in ROUTES {
        for body in ["", "{}", hostile] {
            enclave.send(request(method, path, body)).await;
        }
    }
    for path in ["/api/backup/set-crawl-block", "/api/backup/push-id", "/api/backup/fetch-bulk"] {
        enclave.send(request("POST", path, hostile)).await.is(404, "NOTFOUND");
    }
    let after = enclave.get("/api/health").await;
    assert_eq!((after.code, after.body), (before.code, before.body));
}

/// F45: browsers take some statuses for answers without a body.
#[tokio::test]
async fn f45_health_is_200_with_a_body_in_every_state() {
    let enclave = Enclave::start().await;
    let is_told = |description: &'static str| {
        let health = enclave.get("/api/health");
        async move {
            let health = health.await;
            assert_eq!(health.code, StatusCode::OK);
            assert_eq!(health.body["description"], json!(description));
        }
    };
    is_told("The enclave is in service.").await;
    enclave.chain.unreachable(true);
    is_told("The enclave cannot reach the chain.").await;
    enclave.chain.unreachable(false);
    enclave.chain.unassign();
    enclave.finalize(101).await;
    is_told("The enclave is not assigned to a cluster.").await;
    enclave.sees_another_runtime().await;
    is_told("The chain's runtime needs another build of this enclave.").await;
}

#[tokio::test]
async fn metrics_tell_how_the_enclave_is() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    enclave.store(&store_packet(NFT, SHARE, 50)).await.is(400, "EXPIREDSIGNER");
    let huge = vec![b'a'; ApiLimits::default().body + 1];
    enclave.send(Request::post("/api/backup").body(huge.into()).unwrap()).await;
    let metrics = enclave.metrics().await;
    assert!(metrics.ends_with("# EOF\n"));
    let block = f64::from(enclave.chain.finalized());
    let version = env!("CARGO_PKG_VERSION");
    for (name, expected) in [
        ("simulated", 1.0),
        (&format!("build_info{{version=\"{version}\",attestation=\"simulated\"}}"), 1.0),
        ("in_service", 1.0),
        ("chain_reachable", 1.0),
        ("attestation_live", 1.0),
        ("store_available", 1.0),
        ("store_records", 1.0),
        ("store_wanted", 0.0),
        ("parked_requests", 0.0),
        ("requests_working", 0.0),
        ("requests_total{route=\"store-keyshare\",kind=\"secret\",status=\"2xx\"}", 1.0),
        ("requests_total{route=\"store-keyshare\",kind=\"secret\",status=\"4xx\"}", 1.0),
        ("requests_total{route=\"backup\",kind=\"none\",status=\"4xx\"}", 1.0),
        ("request_duration_seconds_count{route=\"store-keyshare\",kind=\"secret\"}", 2.0),
        ("refused_total{limit=\"body\"}", 1.0),
    ] {
        assert_eq!(value(&metrics, &format!("tee_enclave_{name}")), expected, "{name}");
    }
    assert!(value(&metrics, "tee_enclave_finalized_block") >= block);
    assert!(value(&metrics, "tee_enclave_attestation_expires_at_seconds") > NOW as f64);
    enclave.chain.unreachable(true);
    let metrics = enclave.metrics().await;
    assert_eq!(value(&metrics, "tee_enclave_chain_reachable"), 0.0);
    assert_eq!(value(&metrics, "tee_enclave_in_service"), 0.0);
}

#[tokio::test]
async fn the_monitor_has_health_and_nothing_else_of_the_api() {
    let enclave = Enclave::start().await;
    let monitor = monitor(enclave.context.clone());
    let ask = |request| async { answer(monitor.clone().oneshot(request).await.unwrap()).await };
    assert_eq!(ask(get("/api/health")).await.body, enclave.get("/api/health").await.body);
    for (method, path) in &ROUTES[1..] {
        ask(request(method, path, "{}")).await.is(404, "NOTFOUND");
    }
    // And the API has no metrics.
    enclave.get("/metrics").await.is(404, "NOTFOUND");
}

/// What labels can be, whatever requests say.
#[tokio::test]
async fn labels_have_values_from_fixed_sets() {
    let enclave = limited(None, 1).await;
    for (method, path) in ROUTES {
        for address in [ADDRESS, OTHER_ADDRESS] {
            enclave.send(from(address, request(method, path, "{}"))).await;
        }
    }
    let requester = address_of(&dev::eve());
    for path in [
        "/api/secret-nft/is-keyshare-available/4011223344".into(),
        "/api/secret-nft/get-views-log/4011223344".into(),
        format!("/api/secret-nft/{requester}"),
        format!("/{requester}?requester={requester}"),
    ] {
        enclave.get(&path).await;
        enclave.send(request("BREW", &path, "{}")).await;
    }
    let metrics = enclave.metrics().await;
    for identifier in [&requester, "4011223344", "203.0.113", "BREW"] {
        assert!(!metrics.contains(identifier), "{identifier} in {metrics}");
    }
    let mut seen = HashSet::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = line.split_once('{') else { continue };
        let (labels, _) = rest.split_once('}').unwrap();
        for (name, value) in labels.split(',').map(|label| label.split_once('=').unwrap()) {
            let value = value.trim_matches('"');
            let is_known = match name {
                "route" => [
                    "health",
                    "quote",
                    "is-keyshare-available",
                    "store-keyshare",
                    "retrieve-keyshare",
                    "remove-keyshare",
                    "get-views-log",
                    "slot-sync",
                    "backup",
                    "restore",
                    "interval-nft-list",
                    "documents",
                    "other",
                ]
                .contains(&value),
                "kind" => ["secret", "capsule", "none"].contains(&value),
                "status" => ["2xx", "3xx", "4xx", "5xx"].contains(&value),
                "limit" => {
                    ["rate", "at-once", "capacity", "body", "time", "connections"].contains(&value)
                }
                "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
                "version" => value == env!("CARGO_PKG_VERSION"),
                "attestation" => value == "simulated",
                _ => false,
            };
            assert!(is_known, "{name}={value}");
            seen.insert((name.to_owned(), value.to_owned()));
        }
    }
    // Every route was counted for itself.
    assert_eq!(seen.iter().filter(|(name, _)| name == "route").count(), 13);
}

/// All that our code logs in this process, whoever does.
fn logged() -> &'static Mutex<Vec<u8>> {
    static LOGGED: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    struct Writer(&'static Mutex<Vec<u8>>);
    impl Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    LOGGED.get_or_init(|| {
        let filter = EnvFilter::new("off,tee_enclave=trace");
        let subscriber = fmt().json().with_env_filter(filter);
        subscriber.with_writer(|| Writer(logged())).init();
        Mutex::default()
    })
}

/// F44: logs told the host which account had asked for which NFT.
#[tokio::test]
async fn f44_logs_tell_nothing_of_who_asks_for_what() {
    const ID: NftId = 4_011_223_344;
    let log = logged();
    let key = |seed: u8| Keypair::from_secret_key([seed; 32]).unwrap();
    let (owner, signer, stranger) = (key(0xa1), key(0xa2), key(0xa3));
    let share = "a share that nobody else has";
    // What would wait for another block is decided at once.
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    enclave.chain.mint(ID, owner.public_key().0);
    enclave.finalize(101).await;

    let stored = store_packet_of(&owner, &signer, ID, share, token(101), token(101));
    let send = |path: &str, body: &Value| {
        let request = from(ADDRESS, post(path, body));
        let router = enclave.router.clone();
        async move { answer(in_time(router.oneshot(request)).await.unwrap()).await }
    };
    let packet = |packet: &StoreKeysharePacket| serde_json::to_value(packet).unwrap();
    let store = "/api/secret-nft/store-keyshare";
    send(store, &packet(&stored)).await.is(200, "STORESUCCESS");
    let foreign = store_packet_of(&stranger, &signer, ID, share, token(101), token(101));
    send(store, &packet(&foreign)).await.is(401, "OWNERSHIPVERIFICATIONFAILED");
    let mut forged = packet(&stored);
    forged["signature"] = json!(sign(&stranger, "something else"));
    send(store, &forged).await.is(400, "DATASIGVERIFICATIONFAILED");

    let version = VersionKey { nft_id: ID, kind: KeyshareKind::Secret, version: 1 };
    let key = RecordKey { version, split: split_of_signer(&stored.signer_address) };
    in_time(enclave.chain.batch(0)).await;
    let record = enclave.context.store.record(&key).unwrap().unwrap();
    let now = enclave.chain.finalized() + 1;
    enclave.chain.sync(ID, now, record.commitment(GENESIS, &key));
    enclave.finalize(now).await;
    let retrieve = "/api/secret-nft/retrieve-keyshare";
    for (requester, code) in [(&owner, 200), (&stranger, 400)] {
        let packet = serde_json::to_value(retrieve_packet(requester, ID, now)).unwrap();
        assert_eq!(send(retrieve, &packet).await.code, code);
    }
    let removal = json!({"requester_address": address_of(&stranger), "nft_id": ID});
    send("/api/secret-nft/remove-keyshare", &removal).await.is(400, "NOTBURNT");
    for path in ["get-views-log", "is-keyshare-available"] {
        enclave.send(from(ADDRESS, get(&format!("/api/secret-nft/{path}/{ID}")))).await;
    }
    // The chain fails while a request is decided: that is logged, at the lowest level.
    enclave.chain.unreachable(true);
    let packet = serde_json::to_value(retrieve_packet(&owner, ID, now)).unwrap();
    send(retrieve, &packet).await.is(503, "CHAINUNAVAILABLE");

    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    // What is logged is seen.
    assert!(log.contains("a request could not be decided"), "{log}");
    let split = hex::encode(key.split);
    let public = |key: &Keypair| hex::encode(key.public_key().0);
    for told in [
        &ID.to_string(),
        &format!("{ID:x}"),
        ADDRESS,
        "203.0.113.77",
        share,
        &split,
        &format!("{:?}", key.split),
        stored.signature.trim_start_matches("0x"),
        stored.signersig.trim_start_matches("0x"),
    ] {
        assert!(!log.contains(told), "{told} in the log");
    }
    for requester in [&owner, &signer, &stranger] {
        assert!(!log.contains(&address_of(requester)) && !log.contains(&public(requester)));
        assert!(!log.contains(&format!("{:?}", requester.public_key().0)));
    }
}

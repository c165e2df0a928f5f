// SPDX-License-Identifier: Apache-2.0
//! What a request costs, against the signatures that it must verify: `make bench-enclave`.
//!
//! The router runs in this process, without sockets and without the task that confirms; requests are
//! signed and encoded before the clock starts. Each client sends one request after the other. Time is
//! this process's on all its cores, user and system.

use std::time::{Duration, Instant};

use futures::{stream, StreamExt};
use tee_primitives::packet::sealed;

use super::*;
use crate::seal;

/// NFTs in use.
const NFTS: u32 = 10_000;

/// How often each is viewed.
const VIEWS: u32 = 4;

/// Requests at the same time.
const CLIENTS: usize = 64;

/// Length of a share of the published clients, in characters.
const SHARE_LEN: usize = 2700;

/// The processor's time that this process has taken.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15, in hundredths of a second; the second field, in brackets, can have blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// What one sr25519 verification of a message of this length costs, for itself.
fn verification(len: usize) -> Duration {
    let message = "x".repeat(len);
    let signature = owner().sign(message.as_bytes()).0;
    let count = 20_000;
    let before = cpu();
    for _ in 0..count {
        assert!(account::verify(&signature, &message, &owner().public_key().0));
    }
    (cpu() - before) / count
}

/// What sealing a message of this length to a key costs, and signing the answer.
fn sealing_and_signing(len: usize) -> Duration {
    let message = vec![5; len];
    let key = sealed::public_key(&[7; 32]).unwrap();
    let count = 5_000;
    let before = cpu();
    for _ in 0..count {
        let random = seal::random::<32>().unwrap();
        sealed::seal(&key, &[1; 64], &message, &random).unwrap();
        let _ = owner().sign(&[2; 32]);
    }
    (cpu() - before) / count
}

/// A request's body, and how long the messages are whose signatures it carries.
struct Prepared {
    body: Vec<u8>,
    signed: Vec<usize>,
}

/// Sends requests, so many at a time. How many there are a second, and what one costs.
async fn send(router: &Router, path: &str, bodies: Vec<Vec<u8>>) -> (f64, Duration) {
    let count = bodies.len() as u32;
    let mut of_clients: Vec<_> = (0..CLIENTS).map(|_| Vec::new()).collect();
    for (index, body) in bodies.into_iter().enumerate() {
        of_clients[index % CLIENTS].push(body);
    }
    let (clock, before) = (Instant::now(), cpu());
    let clients = of_clients.into_iter().map(|bodies| {
        let (router, path) = (router.clone(), path.to_owned());
        tokio::spawn(async move {
            for body in bodies {
                let request = Request::post(&path)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from(body))
                    .unwrap();
                let answer = router.clone().oneshot(request).await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
            }
        })
    });
    for client in futures::future::join_all(clients).await {
        client.unwrap();
    }
    (f64::from(count) / clock.elapsed().as_secs_f64(), (cpu() - before) / count)
}

/// Prints what requests cost, against the signatures that they carry.
async fn measure(name: &str, router: &Router, path: &str, requests: Vec<Prepared>) {
    let lengths = requests.last().unwrap().signed.clone();
    let needed: Duration = lengths.iter().map(|len| verification(*len)).sum();
    let bodies = requests.into_iter().map(|request| request.body).collect();
    let (rate, each) = send(router, path, bodies).await;
    let long = verification(SHARE_LEN + 60) * lengths.len() as u32;
    println!(
        "{name}: {rate:.0} a second; {:.1} us of processor time each: {:.2} x the {:.1} us of sr25519 \
         verifications of its {lengths:?} bytes one by one, {:.2} x as many of a store request's length",
        each.as_secs_f64() * 1e6,
        each.as_secs_f64() / needed.as_secs_f64(),
        needed.as_secs_f64() * 1e6,
        each.as_secs_f64() / long.as_secs_f64(),
    );
}

/// Prints what bound retrievals cost, against their own cryptography: a signature verified, a share
/// sealed, an answer signed.
async fn measure_bound(enclave: &Enclave, path: &str) {
    let packets: Vec<_> = (0..NFTS)
        .map(|nft_id| bound::bound_retrieve(enclave, &owner(), |data| data.nft_id = nft_id))
        .collect();
    let signed = packets[0].data.len();
    let needed = verification(signed) + sealing_and_signing(SHARE_LEN);
    let bodies = packets.iter().map(|packet| serde_json::to_vec(packet).unwrap()).collect();
    let (rate, each) = send(&enclave.router, path, bodies).await;
    println!(
        "retrieve, bound: {rate:.0} a second; {:.1} us of processor time each: {:.2} x the {:.1} us of \
         verifying its {signed} bytes, sealing {SHARE_LEN} and signing",
        each.as_secs_f64() * 1e6,
        each.as_secs_f64() / needed.as_secs_f64(),
        needed.as_secs_f64() * 1e6,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement: make bench-enclave"]
async fn stores_and_retrievals() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::new(account_in(folder.path()).id());
    chain.assign(operator(), ClusterType::Public);
    for nft_id in 0..NFTS {
        chain.mint(nft_id, owner().public_key().0);
    }
    chain.finalize(100);
    let api = ApiLimits { concurrent: CLIENTS * 2, ..Default::default() };
    let enclave = Enclave::open(folder, chain, Setup { api, ..Default::default() });
    enclave.sees(100).await;
    // The task that confirms has its own costs, on the chain's side of the enclave.
    enclave.tasks[1].abort();

    let share = "5".repeat(SHARE_LEN);
    let packets: Vec<_> = (0..NFTS).map(|nft_id| store_packet(nft_id, &share, 100)).collect();
    let requests = packets.iter().map(|packet| Prepared {
        body: serde_json::to_vec(packet).unwrap(),
        signed: vec![packet.signer_address.len(), packet.data.len()],
    });
    let path = "/api/secret-nft/store-keyshare";
    measure("store", &enclave.router, path, requests.collect()).await;

    for (nft_id, packet) in (0..).zip(&packets) {
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        let key = RecordKey { version, split: split_of_signer(&packet.signer_address) };
        let record = enclave.context.store.record(&key).unwrap().unwrap();
        enclave.chain.sync(nft_id, 101, record.commitment(GENESIS, &key));
    }
    enclave.finalize(101).await;
    let nfts = (0..VIEWS).flat_map(|_| 0..NFTS);
    let requests = nfts.map(|nft_id| retrieve_packet(&owner(), nft_id, 101));
    let requests = requests.map(|packet| Prepared {
        body: serde_json::to_vec(&packet).unwrap(),
        signed: vec![packet.data.len()],
    });
    let path = "/api/secret-nft/retrieve-keyshare";
    measure("retrieve", &enclave.router, path, requests.collect()).await;
    measure_bound(&enclave, path).await;
}

/// Memory of the process at its most, in MiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Writes a million shares and opens the store again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement that takes 4 GB of disk: make bench-enclave"]
async fn memory_of_a_million_records() {
    const RECORDS: u32 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(folder.path(), &Sealer::new(&[1; 32]), &[2; 32], GENESIS).unwrap();
    let (store, task) = open();
    let clock = Instant::now();
    stream::iter(0..RECORDS)
        .for_each_concurrent(256, |nft_id| {
            let store = &store;
            async move {
                let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
                let new = crate::store::NewShare {
                    key: RecordKey { version, split: [1; 16] },
                    share: Zeroizing::new(vec![5; SHARE_LEN]),
                    owner: [3; 32],
                    slot_id: SLOT,
                    token_block: 1,
                    stored_at: 1,
                    time: 1,
                    is_bound: false,
                };
                store.store(new).await.unwrap().unwrap();
            }
        })
        .await;
    println!("{RECORDS} records: written in {:.0} s", clock.elapsed().as_secs_f64());
    drop(store);
    task.await.unwrap().unwrap();
    let clock = Instant::now();
    let (store, _task) = open();
    let version = |nft_id| VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
    for nft_id in (0..RECORDS).step_by(1000) {
        assert_eq!(store.records(&version(nft_id)).unwrap().len(), 1);
    }
    println!(
        "{RECORDS} records: opened again in {:.0} s; {} MiB of memory at most",
        clock.elapsed().as_secs_f64(),
        most_memory()
    );
}

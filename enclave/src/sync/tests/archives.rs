// SPDX-License-Identifier: Apache-2.0
//! Cold backups: what operators get and bring back, who opens an archive for whom, and that nothing
//! but the chain's shares comes of one.

use codec::{DecodeAll, Encode};
use serde::Serialize;
use tee_primitives::{
    archive::{
        BackupAnswer, BackupAsk, Chunk, Header, OperatorData, OperatorPacket, Purpose,
        RestoreAnswer, RestoreAsk, Restored, MAX_CHUNKS, MAX_CHUNK_LEN,
    },
    cluster::Migration,
    traits::AttestationFacts,
};

use super::*;
use crate::archive::{Archive, ArchiveKey};

/// The account of an enclave that is lost.
const LOST: RawAccountId = [0x10; 32];

/// An operator's file.
#[derive(Clone, Debug)]
struct File {
    header: Vec<u8>,
    chunks: Vec<Vec<u8>>,
    shares: u32,
}

impl File {
    fn header(&self) -> Header {
        Header::read(&self.header).unwrap()
    }

    fn chunk(&self, index: usize) -> Chunk {
        let is_last = index + 1 == self.chunks.len();
        Chunk { index: index as u32, is_last, sealed: self.chunks[index].clone() }
    }
}

/// An operator at its enclave.
struct Operator {
    router: Router,
    key: Keypair,
    enclave: String,
    block: BlockNumber,
}

impl Operator {
    fn of(node: &Node, chain: &Arc<Scripted>) -> Self {
        let (key, enclave) = (node.operator.clone(), node.account.address().to_owned());
        Self { router: node.router(chain), key, enclave, block: chain.finalized() }
    }

    fn data(&self, purpose: Purpose, ask: &impl Encode) -> String {
        self.data_of(purpose, &ask.encode())
    }

    fn data_of(&self, purpose: Purpose, ask: &[u8]) -> String {
        let message = STANDARD.encode(ask);
        let (genesis, purpose) = (hex::encode(GENESIS), purpose.name());
        let token = AuthToken { block_number: self.block, validity: 15 };
        let (message, enclave) = (message.as_str(), self.enclave.as_str());
        OperatorData { purpose, genesis: &genesis, enclave, message, token }.to_string()
    }

    fn packet(&self, data: String) -> OperatorPacket {
        OperatorPacket {
            operator_address: crate::account::address(&self.key.public_key().0),
            signature: format!("0x{}", hex::encode(self.key.sign(data.as_bytes()).0)),
            data,
        }
    }

    async fn send(&self, route: &str, packet: &impl Serialize) -> Result<Vec<u8>, String> {
        let body = serde_json::to_vec(packet).unwrap();
        assert!(body.len() <= ApiLimits::default().body, "{} bytes", body.len());
        let request = axum::http::Request::post(route)
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body))
            .unwrap();
        let response = in_time(self.router.clone().oneshot(request)).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 64 * 1024).await.unwrap();
        let mut answer: KeyshareResponse = serde_json::from_slice(&bytes).unwrap();
        let Some(data) = answer.keyshare_data.take() else { return Err(answer.status.clone()) };
        Ok(STANDARD.decode(data).unwrap())
    }

    async fn back_up(&self, ask: &BackupAsk) -> Result<BackupAnswer, String> {
        let packet = self.packet(self.data(Purpose::Backup, ask));
        let answer = self.send("/api/backup", &packet).await?;
        Ok(BackupAnswer::decode_all(&mut answer.as_slice()).unwrap())
    }

    async fn restore(&self, ask: &RestoreAsk) -> Result<RestoreAnswer, String> {
        let packet = self.packet(self.data(Purpose::Restore, ask));
        let answer = self.send("/api/restore", &packet).await?;
        Ok(RestoreAnswer::decode_all(&mut answer.as_slice()).unwrap())
    }

    async fn begin(&self) -> (Vec<u8>, Vec<u8>) {
        match self.back_up(&BackupAsk::Begin).await.unwrap() {
            BackupAnswer::Begun { header, ticket, .. } => (header, ticket),
            other => panic!("{other:?}"),
        }
    }

    /// A whole backup.
    async fn file(&self) -> File {
        let (header, ticket) = self.begin().await;
        let mut file = File { header: header.clone(), chunks: Vec::new(), shares: 0 };
        let mut after = None;
        loop {
            let (header, ticket) = (header.clone(), ticket.clone());
            let index = file.chunks.len() as u32;
            let ask = BackupAsk::Page { header, ticket, index, after };
            let BackupAnswer::Page { chunks, shares, next } = self.back_up(&ask).await.unwrap()
            else {
                panic!("no page")
            };
            assert!(chunks.len() <= MAX_CHUNKS);
            assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_CHUNK_LEN));
            file.chunks.extend(chunks);
            file.shares += shares;
            after = next;
            if after.is_none() {
                return file;
            }
        }
    }

    async fn open(&self, file: &File) -> Result<(Vec<u8>, RawAccountId), String> {
        match self.restore(&RestoreAsk::Open { header: file.header.clone() }).await? {
            RestoreAnswer::Opened { ticket, by } => Ok((ticket, by)),
            other => panic!("{other:?}"),
        }
    }

    async fn keep(&self, file: &File, ticket: &[u8], chunk: Chunk) -> Result<Restored, String> {
        let (header, ticket) = (file.header.clone(), ticket.to_vec());
        match self.restore(&RestoreAsk::Chunk { header, ticket, chunk }).await? {
            RestoreAnswer::Restored(restored) => Ok(restored),
            other => panic!("{other:?}"),
        }
    }

    /// A whole restoration.
    async fn bring_back(&self, file: &File) -> Result<Restored, String> {
        let (ticket, _) = self.open(file).await?;
        let mut restored = Restored::default();
        for index in 0..file.chunks.len() {
            restored.add(self.keep(file, &ticket, file.chunk(index)).await?);
        }
        Ok(restored)
    }
}

/// The taker works for the giver's operator, which governance has approved, in place of an enclave
/// that is lost; so nobody is its predecessor that could be asked for shares.
fn succeeds(world: &World) {
    let Node { own, account, .. } = &world.taker;
    world.chain.remove(&storage::enclave_account_operator(&account.id()));
    let seat = Enclave { enclave_address: LOST, api_uri: b"http://127.0.0.1:1".to_vec() };
    world.chain.set(storage::enclave_data(&own.operator), seat);
    let facts = AttestationFacts {
        measurement: attesting::MEASUREMENT,
        isv_svn: 0,
        platform: platform(&world.taker.machine),
    };
    let enclave =
        Enclave { enclave_address: account.id(), api_uri: b"http://127.0.0.1:1".to_vec() };
    world
        .chain
        .set(storage::migration(&own.operator), Migration { enclave, facts, until: 1_000u32 });
}

/// An archive of what the giver's slot holds, made by an enclave of the taker's cluster that is lost
/// since, for itself and the giver.
fn of_a_lost_enclave(world: &World, versions: &[VersionKey], is_shared: bool) -> File {
    let key = ArchiveKey::random().unwrap();
    let origin = tee_primitives::archive::Origin {
        genesis_hash: GENESIS,
        slot_id: SLOT,
        account: LOST,
        is_shared,
        begun_at: 1,
        key_hash: key.hash(),
    };
    let giver = &world.giver.own;
    let recipients = [(LOST, [9; 32]), (giver.account, giver.encryption_key)];
    let archive = Archive::new(key, origin, &recipients).unwrap();
    let shares = world.shares(versions);
    let sealed = archive.seal(0, true, &shares).unwrap();
    let shares = shares.len() as u32;
    File { header: archive.header.encode(), chunks: vec![sealed], shares }
}

#[tokio::test]
async fn what_is_lost_comes_back_from_the_own_archive() {
    let mut world = World::new().await;
    let versions = world.synced(0..100).await;
    // What is pending, or no longer the chain's, is in no archive.
    world.synced(100..102).await;
    world.chain.remove(&storage::nft(100));
    world.chain.remove(&storage::keyshares(101, KeyshareKind::Secret));
    world.chain.finalize(11);
    world.giver.view(11).await;
    let operator = Operator::of(&world.giver, &world.chain);
    let file = operator.file().await;
    assert_eq!(file.shares, 100);
    let accounts: Vec<_> = file.header().recipients.iter().map(|it| it.account).collect();
    assert_eq!(accounts, [world.giver.own.account, world.taker.own.account]);
    let sealed = file.chunks.concat();
    assert!(!sealed.windows(SHARE.len()).any(|window| window == SHARE), "a share is readable");

    // The store is lost; its enclave looks what it lacks, and nobody else has it.
    world.giver.store.purge().await.unwrap();
    let (mut syncer, _progress) = world.giver.syncer(&world.chain);
    let refused = operator.bring_back(&file).await.unwrap_err();
    assert_eq!(refused, "NOTREADY");
    world.chain.finalize(12);
    let view = world.giver.view(12).await;
    in_time(async { while syncer.step(&view).await.unwrap() {} }).await;
    assert_eq!(world.giver.store.count_wanted().unwrap(), 100);
    let restored = operator.bring_back(&file).await.unwrap();
    assert_eq!(restored, Restored { kept: 100, skipped: 0, refused: 0 });
    assert_eq!(world.giver.store.count_wanted().unwrap(), 0);
    for version in &versions {
        let (_, record) = world.giver.store.records(version).unwrap().remove(0);
        assert_eq!((&record.share[..], record.synced_at), (SHARE, Some(9)));
        assert_eq!(record.is_bound, is_bound(version.nft_id));
        let log = world.giver.store.log_of(version.nft_id, None, 10).unwrap();
        let Some((_, LogEntry::Received(received))) = log.last() else { panic!("{log:?}") };
        assert_eq!(received.from, world.giver.own.account);
    }
    // Once more changes nothing.
    let again = operator.bring_back(&file).await.unwrap();
    assert_eq!(again, Restored { kept: 0, skipped: 100, refused: 0 });
}

#[tokio::test]
async fn a_successor_of_a_lost_enclave_has_the_archive_opened_by_another_cluster() {
    let mut world = World::new().await;
    let versions = world.synced(0..5).await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    succeeds(&world);
    world.chain.finalize(11);
    world.giver.view(11).await;
    // The other cluster has lost its shares too.
    let file = of_a_lost_enclave(&world, &versions, true);
    world.giver.store.purge().await.unwrap();
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    world.step(&mut syncer, 12).await;
    world.giver.view(12).await;
    assert_eq!((world.held(), progress.borrow().state.is_filled), (0, false));

    let operator = Operator::of(&world.taker, &world.chain);
    let (ticket, by) = operator.open(&file).await.unwrap();
    assert_eq!(by, world.giver.own.account);
    let restored = operator.keep(&file, &ticket, file.chunk(0)).await.unwrap();
    assert_eq!(restored, Restored { kept: 5, skipped: 0, refused: 0 });
    assert_eq!((world.held(), world.taker.store.count_wanted().unwrap()), (5, 0));
    let log = world.taker.store.log_of(0, None, 10).unwrap();
    let [(_, LogEntry::Received(received))] = log[..] else { panic!("{log:?}") };
    assert_eq!(received.from, LOST);

    // Another cluster's slot is not handed over to it.
    let place = world.taker.place();
    let view = world.taker.view(12).await;
    let clusters = peers::clusters(&*world.chain, &view).await.unwrap();
    let peers = peers::others(&*world.chain, &view, place, &clusters).await.unwrap();
    let peer = peers.live.into_iter().find(|it| it.account == world.giver.own.account).unwrap();
    let dialer = world.taker.dialer(&world.chain);
    let asked = dialer.say(&view, place, &peer, None, &Ask::HandOver(None)).await;
    assert_eq!(asked.err().unwrap().to_string(), "it refuses: NOTAPEER");
}

#[tokio::test]
async fn who_may_not_have_a_key_does_not_get_it() {
    let mut world = World::new().await;
    let versions = world.synced(0..2).await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    type Change = fn(&World);
    let cases: [(&str, Change, bool, &str); 6] = [
        ("the successor", |_| (), true, ""),
        // It was made where nobody else may open it.
        ("a private archive", |_| (), false, "ARCHIVESHUT"),
        (
            "its time is over",
            |world| approve(world, world.taker.own.account, 1),
            true,
            "NOTINSERVICE",
        ),
        (
            "its attestation does not count",
            |world| {
                let platform = platform(&world.taker.machine);
                world.chain.set(storage::banned_platform(&platform), ());
            },
            true,
            "NOTINSERVICE",
        ),
        (
            "the other's cluster is private",
            |world| {
                let url = "http://127.0.0.1:1";
                world.giver.join(&world.chain, ClusterType::Private, SLOT, url);
            },
            true,
            "NOKEYHOLDER",
        ),
        (
            "the own cluster is private",
            |world| take_slot(world, ClusterType::Private, SLOT),
            true,
            "NOKEYHOLDER",
        ),
    ];
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    for (block, (name, change, is_shared, expected)) in (11..).zip(cases) {
        world.chain.remove(&storage::banned_platform(&platform(&world.taker.machine)));
        world.taker.join(&world.chain, ClusterType::Public, SLOT, "http://127.0.0.1:1");
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        succeeds(&world);
        change(&world);
        world.step(&mut syncer, block).await;
        world.giver.view(block).await;
        let operator = Operator::of(&world.taker, &world.chain);
        let file = of_a_lost_enclave(&world, &versions, is_shared);
        let found = operator.open(&file).await.err().unwrap_or_default();
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn only_the_named_successor_of_a_replica_may_ask_for_keys() {
    let mut world = World::new().await;
    type Change = fn(&World);
    let cases: [(&str, Change, bool); 6] = [
        ("the successor", |_| (), true),
        ("nobody is approved", |world| world.chain.remove(&migration_of(world)), false),
        ("another is approved", |world| approve(world, LOST, 1_000), false),
        ("its time is over", |world| approve(world, world.taker.own.account, 1), false),
        ("of another slot", |world| take_slot(world, ClusterType::Public, SLOT + 1), false),
        ("of a private cluster", |world| take_slot(world, ClusterType::Private, SLOT), false),
    ];
    // The other one is attested as well.
    let mut record = attesting::record(&world.taker.own, 1);
    record.facts.platform = platform(&world.taker.machine);
    world.chain.set(storage::attestation(&LOST), record);
    for (block, (name, change, may_ask)) in (11..).zip(cases) {
        take_slot(&world, ClusterType::Public, SLOT);
        succeeds(&world);
        change(&world);
        world.chain.finalize(block);
        let view = world.giver.view(block).await;
        let (place, account) = (world.giver.place(), &world.taker.own.account);
        let found = |own_type| {
            let (chain, view) = (&*world.chain, &view);
            async move {
                let found = peers::successor_elsewhere(chain, view, place, own_type, account);
                found.await.unwrap().map(|peer| peer.account)
            }
        };
        assert_eq!(found(ClusterType::Public).await, may_ask.then_some(*account), "{name}");
        assert_eq!(found(ClusterType::Private).await, None, "{name}");
    }
}

fn migration_of(world: &World) -> Vec<u8> {
    storage::migration(&world.taker.own.operator)
}

fn approve(world: &World, enclave_address: RawAccountId, until: BlockNumber) {
    let migration: Migration<RawAccountId, Vec<u8>, BlockNumber> =
        world.chain.get(&migration_of(world)).unwrap();
    let enclave = Enclave { enclave_address, ..migration.enclave };
    world.chain.set(migration_of(world), Migration { enclave, until, ..migration });
}

/// The slot that the taker's operator has.
fn take_slot(world: &World, cluster_type: ClusterType, slot: SlotId) {
    let Node { own, cluster_id, .. } = &world.taker;
    let enclaves = vec![(own.operator, slot)];
    world.chain.set(storage::cluster_data(*cluster_id), Cluster { enclaves, cluster_type });
}

#[tokio::test]
async fn a_peer_opens_only_archives_of_its_chain_and_slot() {
    let mut world = World::new().await;
    let view = world.giver.view(10).await;
    let account = &world.giver.account;
    let key = |slot, is_successor, file: &File| {
        serve::archive_key(account, &view, slot, is_successor, &file.header).is_some()
    };
    let shared = of_a_lost_enclave(&world, &[], true);
    assert!(key(SLOT, false, &shared));
    assert!(!key(SLOT + 1, false, &shared));
    let alone = of_a_lost_enclave(&world, &[], false);
    assert!(!key(SLOT, false, &alone));
    assert!(key(SLOT, true, &alone));
    // Made for another chain.
    let secret = ArchiveKey::random().unwrap();
    let origin = tee_primitives::archive::Origin {
        genesis_hash: [0; 32],
        key_hash: secret.hash(),
        ..shared.header().origin
    };
    let recipients = [(account.id(), account.encryption_key())];
    let elsewhere = Archive::new(secret, origin, &recipients).unwrap().header.encode();
    assert!(!key(SLOT, false, &File { header: elsewhere, chunks: Vec::new(), shares: 0 }));
    // Of something else than an archive.
    for header in [Vec::new(), vec![0; 100], vec![0xff; 10_000]] {
        assert!(!key(SLOT, true, &File { header, chunks: Vec::new(), shares: 0 }));
    }
}

#[tokio::test]
async fn a_private_cluster_keeps_its_archives_to_itself() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    for (block, cluster_type) in
        [(11, ClusterType::Private), (12, ClusterType::Disabled), (13, ClusterType::Public)]
    {
        world.giver.join(&world.chain, cluster_type, SLOT, "http://127.0.0.1:1");
        world.chain.finalize(block);
        world.giver.view(block).await;
        let file = Operator::of(&world.giver, &world.chain).file().await;
        let Header { origin, recipients } = file.header();
        let is_public = cluster_type == ClusterType::Public;
        assert_eq!((origin.is_shared, recipients.len()), (is_public, 1 + usize::from(is_public)));
        assert_eq!((recipients[0].account, file.shares), (world.giver.own.account, 3));
    }
}

#[tokio::test]
async fn what_a_private_cluster_has_synced_is_in_no_shared_archive() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    let key = storage::keyshares(1, KeyshareKind::Secret);
    let mut status: KeyshareStatus = world.chain.get(&key).unwrap();
    status.synced.as_mut().unwrap().cluster_id = 7;
    world.chain.set(key, status);
    let enclaves = Vec::<(RawAccountId, SlotId)>::new();
    let cluster = Cluster { enclaves, cluster_type: ClusterType::Private };
    world.chain.set(storage::cluster_data(7), cluster);
    world.chain.finalize(11);
    world.giver.view(11).await;
    let file = Operator::of(&world.giver, &world.chain).file().await;
    assert_eq!((file.header().origin.is_shared, file.shares), (true, 2));
}

#[tokio::test]
async fn cut_reordered_and_joined_archives_are_refused() {
    let mut world = World::new().await;
    world.synced(0..200).await;
    world.chain.finalize(11);
    world.giver.view(11).await;
    let operator = Operator::of(&world.giver, &world.chain);
    let (file, other) = (operator.file().await, operator.file().await);
    assert!(file.chunks.len() > 2);
    world.giver.store.purge().await.unwrap();
    let (mut syncer, _progress) = world.giver.syncer(&world.chain);
    world.chain.finalize(12);
    let view = world.giver.view(12).await;
    in_time(async { while syncer.step(&view).await.unwrap() {} }).await;

    let (ticket, _) = operator.open(&file).await.unwrap();
    let cut = Chunk { is_last: true, ..file.chunk(0) };
    let reordered = Chunk { sealed: file.chunks[1].clone(), ..file.chunk(0) };
    let joined = Chunk { sealed: other.chunks[0].clone(), ..file.chunk(0) };
    let mut changed = file.chunk(0);
    changed.sealed[30] ^= 1;
    for chunk in [cut, reordered, joined, changed] {
        let refused = operator.keep(&file, &ticket, chunk).await.unwrap_err();
        assert_eq!(refused, "INVALIDARCHIVE");
    }
    // A ticket of one archive does not open another, nor a changed head anything.
    let refused = operator.keep(&other, &ticket, other.chunk(0)).await.unwrap_err();
    assert_eq!(refused, "UNKNOWNARCHIVE");
    let mut changed = file.header();
    changed.recipients.pop();
    let changed = File { header: changed.encode(), ..file.clone() };
    let refused = operator.keep(&changed, &ticket, file.chunk(0)).await.unwrap_err();
    assert_eq!(refused, "UNKNOWNARCHIVE");
    let (other_ticket, _) = operator.open(&changed).await.unwrap();
    let refused = operator.keep(&changed, &other_ticket, file.chunk(0)).await.unwrap_err();
    assert_eq!(refused, "INVALIDARCHIVE");
    // Of another chain, of another slot, of nothing.
    let changes: [fn(&mut Header); 2] =
        [|header| header.origin.slot_id += 1, |header| header.origin.genesis_hash = [0; 32]];
    for change in changes {
        let mut header = file.header();
        change(&mut header);
        let elsewhere = File { header: header.encode(), ..file.clone() };
        assert_eq!(operator.open(&elsewhere).await.unwrap_err(), "OTHERARCHIVE");
    }
    let nothing = File { header: vec![0; 50], ..file.clone() };
    assert_eq!(operator.open(&nothing).await.unwrap_err(), "INVALIDARCHIVE");
    assert_eq!(world.giver.store.held_after(None, 10).unwrap().len(), 0);
}

#[tokio::test]
async fn a_poisoned_share_is_refused_by_the_chains_commitment() {
    let mut world = World::new().await;
    let versions = world.synced(0..4).await;
    let mut shares = world.shares(&versions);
    world.giver.store.purge().await.unwrap();
    let (mut syncer, _progress) = world.giver.syncer(&world.chain);
    world.chain.finalize(11);
    let view = world.giver.view(11).await;
    in_time(async { while syncer.step(&view).await.unwrap() {} }).await;

    // An operator knows how to wrap a key of its own for its enclave.
    let key = ArchiveKey::random().unwrap();
    let giver = &world.giver.own;
    let origin = tee_primitives::archive::Origin {
        genesis_hash: GENESIS,
        slot_id: SLOT,
        account: giver.account,
        is_shared: true,
        begun_at: 11,
        key_hash: key.hash(),
    };
    let archive = Archive::new(key, origin, &[(giver.account, giver.encryption_key)]).unwrap();
    shares[0].share[3] ^= 1;
    shares[1].salt[3] ^= 1;
    shares[2].key.version.version = 2;
    let sealed = archive.seal(0, true, &shares).unwrap();
    let file = File { header: archive.header.encode(), chunks: vec![sealed], shares: 4 };
    let operator = Operator::of(&world.giver, &world.chain);
    let restored = operator.bring_back(&file).await.unwrap();
    assert_eq!(restored, Restored { kept: 1, skipped: 1, refused: 2 });
    let held = world.giver.store.held_after(None, 10).unwrap();
    assert_eq!((held.len(), held[0].key.version), (1, versions[3]));

    // And with a key that it knows it gets nothing sealed: not with the ticket of a restoration, nor
    // with none.
    let (ticket, _) = operator.open(&file).await.unwrap();
    for ticket in [ticket, Vec::new(), vec![0; 72]] {
        let header = file.header.clone();
        let ask = BackupAsk::Page { header, ticket, index: 0, after: None };
        assert_eq!(operator.back_up(&ask).await.unwrap_err(), "UNKNOWNARCHIVE");
    }
}

#[tokio::test]
async fn only_the_operator_is_answered_and_only_for_what_it_has_signed() {
    let mut world = World::new().await;
    world.synced(0..2).await;
    world.chain.finalize(100);
    world.giver.view(100).await;
    let operator = Operator::of(&world.giver, &world.chain);
    operator.begin().await;
    let data = operator.data(Purpose::Backup, &BackupAsk::Begin);
    let send = |packet: OperatorPacket| {
        let operator = &operator;
        async move { operator.send("/api/backup", &packet).await.err().unwrap_or_default() }
    };

    // A stranger, the operator of another enclave, and one that only says so.
    for key in [Keypair::from_secret_key([9; 32]).unwrap(), world.taker.operator.clone()] {
        let stranger = Operator { key, router: operator.router.clone(), ..copy(&operator) };
        assert_eq!(send(stranger.packet(data.clone())).await, "NOTTHEOPERATOR");
        let address = operator.packet(data.clone()).operator_address;
        let packet = OperatorPacket { operator_address: address, ..stranger.packet(data.clone()) };
        assert_eq!(send(packet).await, "SIGNERSIGVERIFICATIONFAILED");
    }
    // Changed after it was signed.
    let mut packet = operator.packet(data.clone());
    packet.data = packet.data.replace("_100_15", "_101_15");
    assert_eq!(send(packet).await, "SIGNERSIGVERIFICATIONFAILED");
    // At another time.
    for (block, validity) in [(84, 15), (106, 15), (100, 21)] {
        let late = data.replace("_100_15", &format!("_{block}_{validity}"));
        assert_eq!(send(operator.packet(late)).await, "EXPIREDREQUEST", "{block}");
    }
    // What was recorded is worth nothing some blocks later.
    let recorded = operator.packet(data.clone());
    assert_eq!(send(recorded.clone()).await, "");
    world.chain.finalize(116);
    world.giver.view(116).await;
    assert_eq!(send(recorded).await, "EXPIREDREQUEST");
    for data in ["", "BACKUP", "BACKUP_x_y_z_1_2", "BACKUP_x_y_AA==_116_x"] {
        assert!(!send(operator.packet(data.into())).await.is_empty(), "{data}");
    }
    // An enclave that the chain does not count makes no backup.
    world.chain.remove(&storage::attestation(&world.giver.own.account));
    world.chain.finalize(117);
    world.giver.view(117).await;
    let now = Operator { block: 117, ..copy(&operator) };
    assert_eq!(now.back_up(&BackupAsk::Begin).await.unwrap_err(), "NOTINSERVICE");
}

/// F27: one enclave replayed at the others, as another request, what an administrator had signed for
/// it.
#[tokio::test]
async fn f27_what_an_operator_signs_is_good_for_one_purpose_one_enclave_and_one_chain() {
    let mut world = World::new().await;
    world.synced(0..2).await;
    world.chain.finalize(100);
    world.giver.view(100).await;
    world.taker.view(100).await;
    let giver = Operator::of(&world.giver, &world.chain);
    let header = giver.file().await.header;
    // Both enclaves read what they are asked for, whatever it was signed for.
    let asks = [
        (Purpose::Backup, "/api/backup", BackupAsk::Begin.encode()),
        (Purpose::Restore, "/api/restore", RestoreAsk::Open { header }.encode()),
    ];
    for node in [&world.giver, &world.taker] {
        let at = Operator::of(node, &world.chain);
        for signed_for in [&world.giver, &world.taker] {
            let enclave = signed_for.account.address().to_owned();
            let is_meant_here = enclave == at.enclave;
            let operator = Operator { enclave, ..copy(&at) };
            for (purpose, route, ask) in &asks {
                for signed_purpose in [Purpose::Backup, Purpose::Restore] {
                    let data = operator.data_of(signed_purpose, ask);
                    let is_meant = is_meant_here && signed_purpose.name() == purpose.name();
                    let answer = operator.send(route, &operator.packet(data.clone())).await;
                    let is_refused = answer == Err("NOTMEANT".into());
                    assert_eq!(is_refused, !is_meant, "{route} {data}: {answer:?}");
                    let elsewhere = data.replace(&hex::encode(GENESIS), &"00".repeat(32));
                    let answer = operator.send(route, &operator.packet(elsewhere)).await;
                    assert_eq!(answer, Err("NOTMEANT".into()));
                }
            }
        }
    }
}

fn copy(operator: &Operator) -> Operator {
    let Operator { router, key, enclave, block } = operator;
    Operator { router: router.clone(), key: key.clone(), enclave: enclave.clone(), block: *block }
}

#[tokio::test]
async fn a_backup_that_takes_too_long_is_begun_anew() {
    let mut world = World::new().await;
    world.synced(0..2).await;
    let operator = Operator::of(&world.giver, &world.chain);
    let (header, ticket) = operator.begin().await;
    let ask = BackupAsk::Page { header, ticket, index: 0, after: None };
    assert!(operator.back_up(&ask).await.is_ok());
    for (block, expected) in [(3_610, ""), (3_611, "UNKNOWNARCHIVE")] {
        world.chain.finalize(block);
        world.giver.view(block).await;
        let operator = Operator { block, ..copy(&operator) };
        let found = operator.back_up(&ask).await.err().unwrap_or_default();
        assert_eq!(found, expected);
    }
    // Nor is anything added that those who may open it must not have.
    let (header, ticket) = Operator { block: 3_611, ..copy(&operator) }.begin().await;
    world.giver.join(&world.chain, ClusterType::Private, SLOT, "http://127.0.0.1:1");
    world.chain.finalize(3_612);
    world.giver.view(3_612).await;
    let operator = Operator { block: 3_612, ..copy(&operator) };
    let ask = BackupAsk::Page { header, ticket, index: 0, after: None };
    assert_eq!(operator.back_up(&ask).await.unwrap_err(), "UNKNOWNARCHIVE");
}

#[tokio::test]
async fn a_share_of_a_slot_that_was_left_meanwhile_is_not_kept() {
    let mut world = World::new().await;
    let versions = world.synced(0..1).await;
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.step(&mut syncer, 11).await;
    let fetched = |slot_id| Fetched {
        key: RecordKey { version: versions[0], split: [0; 16] },
        share: Zeroizing::new(SHARE.to_vec()),
        salt: [1; 32],
        owner: [7; 32],
        slot_id,
        token_block: 1,
        synced_at: Some(9),
        decided_at: 11,
        from: LOST,
        is_bound: true,
        commitment: None,
    };
    assert!(world.taker.store.is_wanted(&versions[0]).unwrap());
    assert_eq!(world.taker.store.fetched(vec![fetched(SLOT + 1)]).await.unwrap(), 0);
    assert_eq!(world.taker.store.fetched(vec![fetched(SLOT)]).await.unwrap(), 1);
}

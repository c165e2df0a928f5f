// SPDX-License-Identifier: Apache-2.0
//! A responder that lies, in every way that somebody could think of who wants a share in or out.

use super::*;

/// What a responder does wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// Its quote is of code that is not allowed.
    OtherCode,
    /// Its quote is of another machine.
    OtherMachine,
    /// Its quote was made for the chain.
    ForTheChain,
    /// Its quote was made for another handshake.
    OtherHandshake,
    /// It has the static key, and no quote.
    NoQuote,
    /// It does not have the static key.
    NoKey,
    /// A share is another than the chain's.
    Poisoned,
    /// A share is another NFT's.
    Swapped,
    /// It answers more than was asked for.
    TooMany,
    /// It answers nothing.
    Nothing,
    /// Its answer is cut.
    Truncated,
    /// Its answer does not end.
    Endless,
    /// It does not answer.
    Silent,
    /// It leaves everything out.
    Omitted,
    /// It says that it knows of nothing yet.
    Early,
}

struct Hostile {
    fault: Fault,
    node: (Arc<Account>, Identity, Machine, [u8; 32], RawAccountId),
    good: Vec<SharedRecord>,
    channel: std::sync::Mutex<Option<(Channel, bool)>>,
}

fn hostile_quote(hostile: &Hostile, handshake_hash: [u8; 32]) -> Evidence {
    let (account, own, machine, _, peer) = &hostile.node;
    let role = PeerRole::Responder;
    let purpose = match hostile.fault {
        Fault::ForTheChain => Purpose::Chain,
        Fault::OtherHandshake => Purpose::PeerSync { role, peer: *peer, handshake_hash: [9; 32] },
        _ => Purpose::PeerSync { role, peer: *peer, handshake_hash },
    };
    let head = crate::chain::Head { number: 1, hash: [0; 32] };
    let mut payload = own.payload(purpose, GENESIS, head, LogHead::default());
    if hostile.fault == Fault::OtherCode {
        payload.mrenclave = [0xbd; 32];
    }
    let report_data = account.sign(&payload.message());
    let other = tee_simulator::Authority::development().machine(77);
    let machine = if hostile.fault == Fault::OtherMachine { &other } else { machine };
    let mut quote = machine.quote(&code(payload.mrenclave), &report_data);
    if hostile.fault == Fault::NoQuote {
        quote.clear();
    }
    Evidence { payload, quote }
}

enum Reply {
    Message(Vec<u8>),
    Endless,
    Silent,
}

fn reply(hostile: &Hostile, packet: &SlotSyncPacket) -> Reply {
    let parts: Vec<_> = packet.data.split('_').collect();
    let (id, sealed) = (parts[0], STANDARD.decode(parts[1]).unwrap());
    let (account, own, _, other, peer) = &hostile.node;
    let mut guard = hostile.channel.lock().unwrap();
    if id == NO_CHANNEL {
        let (requester, responder) = (*peer, own.account);
        let ends = Ends { genesis_hash: GENESIS, slot_id: SLOT, requester, responder };
        let secret = account.encryption_secret();
        let secret = if hostile.fault == Fault::NoKey { &[5; 32] } else { &*secret };
        return Reply::Message(
            match channel::answer(&ends, &Keys { own: secret, other }, &sealed) {
                Ok((channel, second)) => {
                    *guard = Some((channel, false));
                    second
                }
                Err(_) => vec![0; 48],
            },
        );
    }
    let (channel, is_proven) = guard.as_mut().unwrap();
    let opened = channel.open(&sealed).unwrap();
    if !*is_proven {
        *is_proven = true;
        let evidence = hostile_quote(hostile, channel.handshake_hash);
        return Reply::Message(channel.seal(&message::encode(&evidence)).unwrap());
    }
    let Some(Ask::Shares(asked)) = message::decode(&opened) else { panic!("another ask") };
    let find = |version: &VersionKey| {
        hostile.good.iter().find(|share| share.key.version == *version).cloned()
    };
    let mut shares: Vec<_> = asked.iter().map(find).map(Option::unwrap).collect();
    match hostile.fault {
        Fault::Poisoned => shares[0].share[3] ^= 1,
        Fault::Swapped => shares.reverse(),
        _ => (),
    }
    let mut shares: Vec<_> = shares.into_iter().map(Item::Given).collect();
    match hostile.fault {
        Fault::TooMany => shares.push(Item::Lacks),
        Fault::Nothing => shares.clear(),
        Fault::Omitted => shares.iter_mut().for_each(|share| *share = Item::Lacks),
        Fault::Early => shares.iter_mut().for_each(|share| *share = Item::NotYet),
        Fault::Endless => return Reply::Endless,
        Fault::Silent => return Reply::Silent,
        _ => (),
    }
    let mut sealed = channel.seal(&message::encode(&Answer::Shares(shares))).unwrap();
    if hostile.fault == Fault::Truncated {
        sealed.pop();
    }
    Reply::Message(sealed)
}

async fn misbehave(
    State(hostile): State<Arc<Hostile>>,
    Json(packet): Json<SlotSyncPacket>,
) -> axum::response::Response {
    let message = match reply(&hostile, &packet) {
        Reply::Message(message) => message,
        Reply::Endless => {
            let forever =
                futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 9000]));
            return axum::body::Body::from_stream(forever).into_response();
        }
        Reply::Silent => return std::future::pending().await,
    };
    Json(KeyshareResponse {
        status: "SYNCSUCCESS".into(),
        nft_id: 0,
        enclave_account: String::new(),
        keyshare_data: Some(format!("{}_{}", "ab".repeat(16), STANDARD.encode(message))),
        description: String::new(),
    })
    .into_response()
}

/// Nothing wrong is stored, nobody waits for ever, and what is wrong is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_peer_can_withhold_and_no_more() {
    use Fault::*;
    let cases = [
        (OtherCode, 0, "of other code"),
        (OtherMachine, 0, "of another machine"),
        (ForTheChain, 0, "made for something else"),
        (OtherHandshake, 0, "made for something else"),
        (NoQuote, 0, "cannot be read"),
        (NoKey, 0, "does not open"),
        (Poisoned, 3, "a share is not the chain's"),
        (Swapped, 0, "a share is not the chain's"),
        (TooMany, 0, "another number of shares"),
        (Nothing, 0, "another number of shares"),
        (Truncated, 0, "does not open"),
        (Endless, 0, "longer than allowed"),
        (Silent, 0, "not in time"),
        (Omitted, 0, ""),
        (Early, 0, ""),
    ];
    let tried = cases.map(|(fault, kept, named)| async move {
        let mut world = World::new().await;
        let versions = world.synced(0..4).await;
        let good = world.shares(&versions);
        let (giver, taker) = (&world.giver, world.taker.own);
        let node = (
            giver.account.clone(),
            giver.own,
            giver.machine.clone(),
            taker.encryption_key,
            taker.account,
        );
        let hostile = Hostile { fault, node, good, channel: Default::default() };
        let router =
            Router::new().route(pull::ROUTE, post(misbehave)).with_state(Arc::new(hostile));
        let (url, _server) = serve(router).await;
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        world.chain.finalize(11);

        let view = world.taker.view(11).await;
        let dialer = world.taker.dialer(&world.chain);
        let peers = peers::clusters(&*world.chain, &view).await.unwrap();
        let peers = peers::others(&*world.chain, &view, world.taker.place(), &peers).await;
        let peer = peers.unwrap().live.pop().expect("the chain names it");
        let of = |version: &VersionKey| {
            let of = storage::keyshares(version.nft_id, version.kind);
            let status: KeyshareStatus = world.chain.get(&of).unwrap();
            (*version, status.synced.unwrap())
        };
        let synced = versions.iter().map(of).collect();
        let place = world.taker.place();
        let (good, mut given) = tokio::sync::mpsc::channel(versions.len());
        let asked = dialer.ask((&view, place), &peer, None, versions, &synced, good).await;
        let mut count = 0;
        while let Some(shares) = given.recv().await {
            count += shares.len();
        }
        assert_eq!((count, asked.given.len()), (kept, kept), "{fault:?}");
        let said = asked.session.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(said.contains(named) && said.is_empty() == named.is_empty(), "{fault:?}: {said}");

        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        world.step(&mut syncer, 12).await;
        assert_eq!(world.held(), kept, "{fault:?}");
        for held in world.taker.store.held_after(None, 10).unwrap() {
            let of = held.key.version;
            let synced: KeyshareStatus =
                world.chain.get(&storage::keyshares(of.nft_id, of.kind)).unwrap();
            let expected = synced.synced.unwrap().commitments[SLOT as usize];
            assert_eq!(held.facts.unwrap().commitment, expected, "{fault:?}");
        }
        // Who leaves out is believed to lack; who fails may have it.
        let known = progress.borrow().clone();
        assert_eq!(known.state.is_filled, fault == Omitted, "{fault:?}: {known:?}");
        assert!(known.problem.is_some_and(|it| it.contains("missing")), "{fault:?}");
    });
    futures::future::join_all(tried).await;
}

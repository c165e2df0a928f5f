// SPDX-License-Identifier: Apache-2.0
//! Every field of a bound request wrong once, and what is answered, signed.

use tee_primitives::packet::bound::named;

use super::*;

/// Changes one field of a good packet without signing anew.
fn tampered(
    packet: &StoreKeysharePacket,
    change: impl FnOnce(&mut StoreKeysharePacket),
) -> StoreKeysharePacket {
    let mut packet = packet.clone();
    change(&mut packet);
    packet
}

const SIGNER: fn() -> Keypair = dev::bob;

fn target() -> Target {
    Target { genesis_hash: GENESIS, kind: KIND, nft_id: NFT, version: 1, split: [4; 16] }
}

/// A request for this approval, with a part of it and of the data replaced, well signed and sealed.
fn with(
    enclave: &Enclave,
    in_approval: Option<(usize, &str)>,
    in_data: Option<(usize, &str)>,
) -> StoreKeysharePacket {
    let replaced = |text: String, part: Option<(usize, &str)>| {
        let Some((index, value)) = part else { return text };
        let mut parts: Vec<&str> = text.split('_').collect();
        parts[index] = value;
        parts.join("_")
    };
    let address = address_of(&SIGNER());
    let approval = Approval { target: target(), signer: &address, token: token(100) };
    let signer_address = replaced(approval.to_string(), in_approval);
    let data = BoundStore {
        target: target(),
        enclave: enclave.context.account.address(),
        sealed: "",
        token: token(100),
    };
    let info = data.info(&owner().public_key().0, &signer_address);
    let key = enclave.own.encryption_key;
    let sealed = sealed::seal(&key, &info, SHARE.as_bytes(), &[1; 32]).unwrap();
    let data = BoundStore { sealed: &STANDARD.encode(sealed), ..data }.to_string();
    let data = replaced(data, in_data);
    StoreKeysharePacket {
        owner_address: address_of(&owner()),
        signersig: sign(&owner(), &signer_address),
        signature: sign(&SIGNER(), &data),
        signer_address,
        data,
    }
}

#[tokio::test]
async fn store_refuses_with_the_status_for_each_fault_and_signs_it() {
    let enclave = enclave_in(SLOT).await;
    let alice = owner().public_key().0;
    enclave.chain.mint_with(30, alice, NftState::default());
    enclave.finalize(101).await;
    let good = with(&enclave, None, None);
    let (approval, data) =
        (|part| with(&enclave, Some(part), None), |part| with(&enclave, None, Some(part)));
    let sealed_len = |length: usize| STANDARD.encode(vec![7u8; length]);
    let (other_genesis, bob_other_prefix) = ("6f".repeat(32), "not an address");
    let (empty, short, long) = (sealed_len(48), sealed_len(48 + 15), sealed_len(48 + 3001));
    let (junk, dave) = (sealed_len(48 + 20), address_of(&dev::dave()));
    let upper = "6E".repeat(32);

    let cases = [
        (400, "INVALIDOWNERADDRESS", tampered(&good, |it| it.owner_address = "5x".into())),
        (400, "INVALIDSIGNERADDRESS", tampered(&good, |it| it.signer_address.clear())),
        (400, "INVALIDSIGNERADDRESS", approval((0, "BOUND2"))),
        (400, "INVALIDSIGNERADDRESS", approval((1, &upper))),
        (400, "INVALIDSIGNERADDRESS", approval((2, "HYBRID"))),
        (400, "INVALIDSIGNERADDRESS", approval((3, "x"))),
        (400, "INVALIDSIGNERADDRESS", approval((4, "01"))),
        (400, "INVALIDSIGNERADDRESS", approval((5, "00"))),
        (400, "INVALIDSIGNERADDRESS", approval((6, bob_other_prefix))),
        (400, "INVALIDSIGNERADDRESS", approval((7, "x"))),
        (400, "INVALIDSIGNERADDRESS", approval((8, "x"))),
        // A plain approval, and data of the bound form.
        (
            400,
            "INVALIDSIGNERADDRESS",
            tampered(&good, |it| {
                it.signer_address = signer_address(&address_of(&SIGNER()), token(100));
            }),
        ),
        (400, "NOTMEANT", approval((1, &other_genesis))),
        (400, "NOTMEANT", approval((2, "CAPSULE"))),
        (400, "NOTMEANT", approval((3, "8"))),
        (400, "NOTMEANT", approval((4, "2"))),
        (400, "NOTMEANT", data((1, &other_genesis))),
        (400, "NOTMEANT", data((2, "CAPSULE"))),
        (400, "NOTMEANT", data((3, "8"))),
        (400, "NOTMEANT", data((4, "2"))),
        (400, "NOTMEANT", data((5, &"05".repeat(16)))),
        (400, "NOTMEANT", data((6, &dave))),
        (400, "INVALIDDATAFORMAT", data((1, &upper))),
        (400, "INVALIDDATAFORMAT", data((2, "secret"))),
        (400, "INVALIDNFTID", data((3, "07"))),
        (400, "INVALIDDATAFORMAT", data((4, "x"))),
        (400, "INVALIDDATAFORMAT", data((5, "x"))),
        (400, "INVALIDKEYSHARE", data((7, ""))),
        (400, "INVALIDKEYSHARE", data((7, "not*base64!!"))),
        (400, "INVALIDKEYSHARE", data((7, "AAAA"))),
        (400, "INVALIDKEYSHARE", data((7, &empty))),
        (400, "KEYSHAREISTOOSHORT", data((7, &short))),
        (400, "KEYSHAREISTOOLONG", data((7, &long))),
        (400, "INVALIDAUTHTOKEN", data((8, "x"))),
        (400, "INVALIDAUTHTOKEN", data((9, "015"))),
        (400, "EXPIREDSIGNER", approval((7, "85"))),
        (400, "EXPIREDSIGNER", approval((7, "107"))),
        (400, "EXPIREDSIGNER", approval((8, "21"))),
        (400, "EXPIREDREQUEST", data((8, "85"))),
        (400, "EXPIREDREQUEST", data((8, "107"))),
        (400, "EXPIREDREQUEST", data((9, "21"))),
        (400, "INVALIDSIGNERSIGNATURE", tampered(&good, |it| it.signersig = "0x00".into())),
        (400, "INVALIDDATASIGNATURE", tampered(&good, |it| it.signature.push('0'))),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(&good, |it| it.owner_address = address_of(&dev::dave())),
        ),
        (
            400,
            "DATASIGVERIFICATIONFAILED",
            tampered(&good, |it| it.signature = format!("0x{}", "00".repeat(64))),
        ),
        (400, "KEYSHARENOTOPENED", data((7, &junk))),
        (400, "INVALIDDATAFORMAT", data((0, "STORE1_x"))),
    ];
    for (code, status, packet) in cases {
        let answer = enclave.store(&packet).await;
        answer.is(code, status);
        // Whoever is on the way can send it to the route of the other kind: that is not signed.
        let is_signed = named(&packet.data).is_none_or(|(kind, _)| kind == KIND);
        assert_eq!(is_own(&enclave, &packet.request_hash(), &answer), is_signed, "{answer:?}");
        assert_eq!(answer.body.get("signature").is_some(), is_signed, "{answer:?}");
        assert!(!is_own(&enclave, &good.request_hash(), &answer));
        assert!(answer.body.get("keyshare_data").is_none());
    }
    assert_eq!(enclave.context.store.held(NFT, KIND).unwrap(), None);
    let stored = enclave.store(&good).await;
    stored.is(200, "STORESUCCESS");
    assert!(is_own(&enclave, &good.request_hash(), &stored));
    // The same share and splitting in the plain form would be another request.
    let other = attempt_of(30, 100);
    enclave.store(&bound_store(&enclave, &other)).await.is(400, "IDISNOTASECRETNFT");
    let stranger = {
        let key = MediaKey::generate().unwrap();
        StoreAttempt::bound(&dev::dave(), &of(NFT), &key, 100).unwrap()
    };
    let refused = enclave.store(&bound_store(&enclave, &stranger)).await;
    refused.is(401, "OWNERSHIPVERIFICATIONFAILED");
}

#[tokio::test]
async fn retrieve_refuses_with_the_status_for_each_fault_and_signs_it() {
    let enclave = enclave_in(SLOT).await;
    let attempt = attempt_of(NFT, 100);
    enclave.store(&bound_store(&enclave, &attempt)).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    let alice = owner().public_key().0;
    enclave.chain.mint_with(30, alice, NftState::default());
    enclave.chain.mint(31, alice);
    enclave.chain.mint(32, alice);
    enclave.chain.sync(32, now, [0xaa; 32]);
    let version = VersionKey { nft_id: NFT, kind: KIND, version: 1 };
    let key = RecordKey { version, split: attempt.split() };
    let record = enclave.context.store.record(&key).unwrap().unwrap();
    enclave.chain.sync(NFT, now, record.commitment(GENESIS, &key));
    enclave.finalize(now).await;

    let good = || bound_retrieve(&enclave, &owner(), |_| ());
    let with = |index: usize, value: &str| {
        let data = good().data;
        let mut parts: Vec<&str> = data.split('_').collect();
        parts[index] = value;
        signed_retrieve(&owner(), RequesterType::Owner, parts.join("_"))
    };
    let of = |nft_id| bound_retrieve(&enclave, &owner(), |data| data.nft_id = nft_id);
    let tampered = |change: fn(&mut RetrieveKeysharePacket)| {
        let mut packet = good();
        change(&mut packet);
        packet
    };
    let as_role = |role| bound_retrieve(&enclave, &owner(), |data| data.role = role);
    let (other_genesis, dave) = ("6f".repeat(32), address_of(&dev::dave()));
    let past = (now - 16).to_string();
    let future = (now + 6).to_string();
    let cases = [
        (400, "INVALIDREQUESTERADDRESS", tampered(|it| it.requester_address.clear())),
        (400, "INVALIDDATAFORMAT", with(1, "x")),
        (400, "NOTMEANT", with(1, &other_genesis)),
        (400, "INVALIDDATAFORMAT", with(2, "x")),
        (400, "NOTMEANT", with(2, "CAPSULE")),
        (400, "INVALIDNFTID", with(3, "07")),
        (400, "INVALIDNFTID", of(99)),
        (400, "NOTMEANT", with(4, &dave)),
        (400, "NOTMEANT", with(4, "")),
        (400, "INVALIDDATAFORMAT", with(5, "KING")),
        (400, "NOTMEANT", with(5, "RENTEE")),
        (400, "NOTMEANT", tampered(|it| it.requester_type = RequesterType::Delegatee)),
        (400, "INVALIDDATAFORMAT", with(6, "00")),
        // Nothing can be sealed to this key.
        (400, "INVALIDDATAFORMAT", with(6, &"00".repeat(32))),
        (400, "INVALIDAUTHTOKEN", with(7, "x")),
        (400, "INVALIDAUTHTOKEN", with(8, "")),
        (400, "EXPIREDREQUEST", with(7, &past)),
        (400, "EXPIREDREQUEST", with(7, &future)),
        (400, "EXPIREDREQUEST", with(8, "21")),
        (400, "INVALIDDATAFORMAT", with(8, "15_1")),
        (400, "INVALIDSIGNERSIGNATURE", tampered(|it| it.signature.clear())),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(|it| it.requester_address = address_of(&dev::dave())),
        ),
        (400, "IDISNOTASECRETNFT", of(30)),
        (403, "NOTSYNCED", of(31)),
        (404, "KEYNOTEXIST", of(32)),
        (400, "REQUESTERVERIFICATIONFAILED", bound_retrieve(&enclave, &dev::dave(), |_| ())),
        (400, "REQUESTERVERIFICATIONFAILED", as_role(RequesterType::Delegatee)),
        (400, "REQUESTERVERIFICATIONFAILED", as_role(RequesterType::Rentee)),
    ];
    let views = || enclave.context.store.log_of(NFT, None, 100).unwrap().len();
    let before = views();
    for (code, status, packet) in cases {
        let answer = enclave.retrieve(&packet).await;
        answer.is(code, status);
        // Whoever is on the way can send it to the route of the other kind: that is not signed.
        let is_signed = named(&packet.data).is_none_or(|(kind, _)| kind == KIND);
        assert_eq!(is_own(&enclave, &packet.request_hash(), &answer), is_signed, "{answer:?}");
        assert_eq!(answer.body.get("signature").is_some(), is_signed, "{answer:?}");
        assert!(answer.body.get("keyshare_data").is_none());
    }
    assert_eq!(views(), before, "nothing was given");
    enclave.retrieve(&good()).await.is(200, "RETRIEVESUCCESS");
}

/// What is not of the bound form is answered as ever.
#[tokio::test]
async fn plain_requests_are_answered_without_a_signature() {
    let enclave = enclave_in(SLOT).await;
    let refused = enclave.retrieve(&retrieve_packet(&owner(), NFT, 100)).await;
    refused.is(403, "NOTSYNCED");
    let stored = enclave.store(&store_packet(NFT, SHARE, 100)).await;
    stored.is(200, "STORESUCCESS");
    for answer in [refused, stored] {
        assert!(answer.body.get("signature").is_none());
        assert!(answer.body.get("keyshare_data").is_none());
    }
    // Data of the plain form with an approval of the bound one.
    let attempt = attempt_of(NFT, 100);
    let packet = attempt.packet(store_data(NFT, SHARE, token(100)));
    enclave.store(&packet).await.is(400, "INVALIDSIGNERADDRESS");
}

/// Finality stands still: an owner may have sold meanwhile.
#[tokio::test]
async fn f30_a_bound_request_is_not_answered_from_a_view_that_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::in_slot(account_in(folder.path()).id(), SLOT);
    let enclave = Enclave::open(folder, chain, Setup::default());
    let packet = bound_store(&enclave, &attempt_of(NFT, 100));
    let answer = enclave.store(&packet).await;
    answer.is(503, "CHAINUNAVAILABLE");
    assert_eq!(answer.headers[header::RETRY_AFTER], "6");
    assert!(is_own(&enclave, &packet.request_hash(), &answer));
}

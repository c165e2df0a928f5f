// SPDX-License-Identifier: Apache-2.0
//! Packets that the existing clients' collection of examples holds, with the signatures of keys that
//! nobody here has. They verify byte for byte, and are granted as they are.

use tee_primitives::packet::{RetrieveData, SignerAddress};

use super::*;
use crate::verifier::Verifier;

const STORE_SECRET: &str = r#"{
    "owner_address": "5HgQ621ngLGeegeXnMg6Qt14eZHSuMsbQYGwa7iTvGaAc9sh",
    "signer_address": "5HHBpZJk8ye19pWjA6as4TqKHf8hUKfX7srZ5Vwt4rJekEFm_16018_15",
    "signersig": "0xc2df80285c036d9670309a5b78c8ffc3471d4ccb2dd6124a2ddc705f15ff6f4f01c9ce1a354d47b5f8ef2d8b05d34c19c87bcead4dc8a5e526eb3e0ada18548d",
    "data": "3_This-is-a-Sample-Secret!@#$%^&*()1234567890_16018_15",
    "signature": "0x2672233774dbecbc62d0097f99e4170ce9a82ffde54d4919c168638ba011a03fe14a5c3d4bf80fa3635770ad78f6718c6e9272921a85583a2601ccd52215488a"
}"#;

const STORE_CAPSULE: &str = r#"{
    "owner_address": "5HgQ621ngLGeegeXnMg6Qt14eZHSuMsbQYGwa7iTvGaAc9sh",
    "signer_address": "5CCh2QeNxyCFu7yaHsbosmrkvZcF6LGCq6aGg915usYbPKcs_16054_15",
    "signersig": "0xde968eb680238077696f0f7ebdc00a26875ca7fe4e16156fc899e501422ae11969db0fcc261ffa1d47d3a7596d06da19be0f1c9b07370c328574d70b7930438f",
    "data": "2_This-is-a-Sample-Secret!@#$%^&*()1234567890_16054_15",
    "signature": "0x8abe61cb55301973f7a80892dc6619063456b33171315af12b4e4d92622fac21c880e7b63f5020e05517fa524482d6b6d89bff7cac2205e243709b7f9b107f8a"
}"#;

const RETRIEVE: &str = r#"{
    "requester_address": "5CcqaTBwWvbB2MvmeteSDLVujL3oaFHtdf24pPVT3Xf8v7tC",
    "requester_type": "OWNER",
    "data": "110_163844_10",
    "signature": "0x6825f8feef8a3897c7f2f7d2be7071b6e7c87d998a1ac36957379c311c29df7ec3ae7016dfc04b90adf880b7c84fbd37fd275a65adb12f0d201c4a4993e8ef84"
}"#;

const RETRIEVE_ON_MAINNET: &str = r#"{
    "requester_address": "5CVZ4bQhwWaAQwk1SWZ5FzGTyEzU9PkXRiQEehsBhmyjJwDX",
    "requester_type": "OWNER",
    "data": "344645_5896058_10",
    "signature": "0x76f276980fe142a13629a2e46529340f8fece391b14bd8801f662bd42af5bc757d164acb55889e44253852d7702436d102d1e9d53fefa78aa556f0f746fec089"
}"#;

/// Of an administrator's requests only the signatures are of interest: there are no such requests
/// here.
const FETCH_BULK: [&str; 3] = [
    "5CcqaTBwWvbB2MvmeteSDLVujL3oaFHtdf24pPVT3Xf8v7tC",
    r#"{"block_number":16653,"block_validation":10}"#,
    "0x7a9d9000ff6b2dae111608d0401acb821d2bc4921c1681fb0d70833c8248e15d2ff08dac9cf0146f96e367eda39b1e687135990c2867a49bce3247917ac86f85",
];

const FETCH_ID: [&str; 3] = [
    "5H9QMZm6jRvdoSo1XrK7EcgCqZkMnWiXs9Eg5o8zfU9bQKMy",
    r#"{"block_number":16688,"block_validation":10,"data_hash":"a615eeaee21de5179de080de8c3052c8da901138406ba71c38c032845f7d54f4"}"#,
    "0x261d9daccb6271353c7cb1cb564d22b27f4475d625e979873d74451e275cce52c2da6847e85ee166f1aa56c6150c54710da94ec0d106cb58eba38ba584a21b81",
];

struct Signed {
    account: RawAccountId,
    text: String,
    signature: [u8; 64],
}

fn signed(address: &str, text: &str, signature: &str) -> Signed {
    Signed {
        account: account::parse_address(address).unwrap(),
        text: text.into(),
        signature: request::signature(signature, Status::InvalidSignerSignature).unwrap(),
    }
}

/// The signatures of the six packets.
fn all() -> Vec<Signed> {
    let mut all = Vec::new();
    for packet in [STORE_SECRET, STORE_CAPSULE] {
        let packet: StoreKeysharePacket = serde_json::from_str(packet).unwrap();
        let signer = SignerAddress::parse(&packet.signer_address).unwrap().signer_ss58;
        all.push(signed(&packet.owner_address, &packet.signer_address, &packet.signersig));
        all.push(signed(signer, &packet.data, &packet.signature));
    }
    for packet in [RETRIEVE, RETRIEVE_ON_MAINNET] {
        let packet: RetrieveKeysharePacket = serde_json::from_str(packet).unwrap();
        all.push(signed(&packet.requester_address, &packet.data, &packet.signature));
    }
    for [address, text, signature] in [FETCH_BULK, FETCH_ID] {
        all.push(signed(address, text, signature));
    }
    all
}

#[tokio::test]
async fn published_signatures_verify_byte_for_byte() {
    let verifier = Verifier::default();
    let all = all();
    assert_eq!(all.len(), 8);
    for Signed { account, text, signature } in &all {
        assert!(verifier.verify(signature, text, account).await, "{text}");
        // Whichever byte is another, it is no signature of this text any more.
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let other = String::from_utf8(bytes).unwrap();
            assert!(!verifier.verify(signature, &other, account).await, "{other}");
        }
        for place in 0..signature.len() {
            let mut other = *signature;
            other[place] ^= 1;
            assert!(!verifier.verify(&other, text, account).await, "byte {place} of {text}");
        }
        // What wallets wrap is another text.
        let wrapped = format!("<Bytes>{text}</Bytes>");
        assert!(!verifier.verify(signature, &wrapped, account).await);
    }
    for (index, signer) in all.iter().enumerate() {
        for (other, Signed { account, text, signature }) in all.iter().enumerate() {
            let of_another = index != other && signer.account != *account;
            assert!(!of_another || !verifier.verify(signature, text, &signer.account).await);
        }
    }
}

fn raw(path: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn published_packets_are_granted_as_they_are() {
    let enclave = Enclave::start().await;
    let chain = &enclave.chain;
    let owner = account::parse_address("5HgQ621ngLGeegeXnMg6Qt14eZHSuMsbQYGwa7iTvGaAc9sh").unwrap();
    for (kind, nft_id, block, path, packet) in [
        (KeyshareKind::Secret, 3, 16_018, "/api/secret-nft/store-keyshare", STORE_SECRET),
        (KeyshareKind::Capsule, 2, 16_054, "/api/capsule-nft/set-keyshare", STORE_CAPSULE),
    ] {
        let state = NftState {
            is_secret: kind == KeyshareKind::Secret,
            is_capsule: kind == KeyshareKind::Capsule,
            ..Default::default()
        };
        chain.mint_with(nft_id, owner, state);
        chain.pending_of(kind, nft_id, 1);
        enclave.finalize(block).await;
        let other = packet.replace("Sample", "sample");
        enclave.send(raw(path, &other)).await.is(400, "DATASIGVERIFICATIONFAILED");
        let answer = enclave.send(raw(path, packet)).await;
        answer.is(200, "STORESUCCESS");
        assert_eq!(answer.body["nft_id"], json!(nft_id));
        let version = VersionKey { nft_id, kind, version: 1 };
        let held = enclave.context.store.records(&version).unwrap();
        assert_eq!(held[0].1.share, b"This-is-a-Sample-Secret!@#$%^&*()1234567890");
    }
    for packet in [RETRIEVE, RETRIEVE_ON_MAINNET] {
        let fields: RetrieveKeysharePacket = serde_json::from_str(packet).unwrap();
        let requester = account::parse_address(&fields.requester_address).unwrap();
        let RetrieveData { nft_id, token } = RetrieveData::parse(&fields.data).unwrap();
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        let new = NewShare {
            key: RecordKey { version, split: [1; 16] },
            share: Zeroizing::new(SHARE.into()),
            owner: requester,
            slot_id: SLOT,
            token_block: 1,
            stored_at: 1,
            time: NOW,
            is_bound: false,
        };
        enclave.context.store.store(new).await.unwrap().unwrap();
        let (key, record) = enclave.context.store.records(&version).unwrap().pop().unwrap();
        chain.mint(nft_id, requester);
        chain.sync(nft_id, token.block_number, record.commitment(GENESIS, &key));
        enclave.finalize(token.block_number).await;
        let answer = enclave.send(raw("/api/secret-nft/retrieve-keyshare", packet)).await;
        answer.is(200, "RETRIEVESUCCESS");
        let given = answer.body["keyshare_data"].as_str().unwrap();
        assert_eq!(StoreData::parse(given).unwrap().share, SHARE);
    }
}

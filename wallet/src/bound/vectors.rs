// SPDX-License-Identifier: Apache-2.0
//! `docs/protocols/requests.json`: one store request and one retrieve request with their answers, byte
//! for byte, for whoever writes another client or enclave.
//!
//! Everything but the signatures is computed anew and compared; signatures, which are random, are
//! verified. With `TEE_WRITE_VECTORS` set, the file is written anew instead.

use std::{fs, path::PathBuf};

use codec::Encode;
use serde_json::{json, Value};
use tee_primitives::packet::{
    answer::{given_info, signed_hash},
    bound::{Approval, Target},
    AuthToken, KeyshareResponse,
};

use super::*;

const WRITE: &str = "TEE_WRITE_VECTORS";

const GENESIS: Hash = [0x11; 32];
const SHARE: &str = "a share of sufficient length";
const TOKEN: AuthToken = AuthToken { block_number: 100, validity: 20 };
const TARGET: Target = Target {
    genesis_hash: GENESIS,
    kind: KeyshareKind::Secret,
    nft_id: 7,
    version: 1,
    split: [0x22; 16],
};
const SLOT: u32 = 2;
const SALT: [u8; 32] = [0x33; 32];
const ENCRYPTION_SECRET: [u8; 32] = [0x44; 32];
const ONE_TIME_SECRET: [u8; 32] = [0x55; 32];
const STORE_RANDOM: [u8; 32] = [0x66; 32];
const ANSWER_RANDOM: [u8; 32] = [0x77; 32];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/protocols/requests.json")
}

fn pair(seed: u8) -> Keypair {
    Keypair::from_secret_key([seed; 32]).unwrap()
}

/// Where signatures come from: the file, or the keys.
struct Signatures(Option<Value>);

impl Signatures {
    /// The one at this place of the file, if it is good.
    fn at(&self, place: &str, key: &Keypair, message: &[u8]) -> String {
        let Some(committed) = &self.0 else {
            return format!("0x{}", hex::encode(key.sign(message).0));
        };
        let text = committed.pointer(place).and_then(Value::as_str).unwrap_or_default();
        let digits = text.strip_prefix("0x").unwrap_or_default();
        let signature = hex::decode(digits).unwrap().try_into().unwrap();
        assert!(verify(&Signature(signature), message, &key.public_key()), "{place}");
        text.to_owned()
    }
}

fn keys(seed: u8) -> Value {
    let address = ss58(&pair(seed).public_key().0);
    json!({ "seed": hex::encode([seed; 32]), "address": address })
}

fn answer(
    signatures: &Signatures,
    place: &str,
    request: &Hash,
    status: &str,
    data: String,
) -> Value {
    let enclave = pair(3);
    let response = KeyshareResponse {
        status: status.to_owned(),
        nft_id: TARGET.nft_id,
        enclave_account: ss58(&enclave.public_key().0),
        keyshare_data: Some(data),
        description: String::from("for people"),
    };
    let hash = signed_hash(request, 200, &response);
    let signature = signatures.at(&format!("{place}/body/signature"), &enclave, &hash);
    let signed = SignedResponse { response, signature: Some(signature) };
    assert!(is_signed(&enclave.public_key().0, request, 200, &signed));
    json!({ "http": 200, "signed_hash": hex::encode(hash), "body": signed })
}

fn store(signatures: &Signatures) -> Value {
    let (owner, signer, enclave) = (pair(1), pair(2), pair(3));
    let [owner_address, signer_address, enclave] =
        [&owner, &signer, &enclave].map(|pair| ss58(&pair.public_key().0));
    let approval = Approval { target: TARGET, signer: &signer_address, token: TOKEN }.to_string();
    let data = BoundStore { target: TARGET, enclave: &enclave, sealed: "", token: TOKEN };
    let info = data.info(&owner.public_key().0, &approval);
    let key = sealed::public_key(&ENCRYPTION_SECRET).unwrap();
    let sealed = sealed::seal(&key, &info, SHARE.as_bytes(), &STORE_RANDOM).unwrap();
    let opened = sealed::open(&ENCRYPTION_SECRET, &info, &sealed).unwrap();
    assert_eq!(opened.as_slice(), SHARE.as_bytes());
    let data = BoundStore { sealed: &STANDARD.encode(&sealed), ..data }.to_string();
    let packet = StoreKeysharePacket {
        owner_address,
        signersig: signatures.at("/store/packet/signersig", &owner, approval.as_bytes()),
        signature: signatures.at("/store/packet/signature", &signer, data.as_bytes()),
        signer_address: approval,
        data,
    };
    let receipt = Receipt {
        version: TARGET.version,
        split: TARGET.split,
        slot_id: SLOT,
        commitment: given().commitment(GENESIS, TARGET.nft_id, TARGET.kind, true),
        decided_at: 101,
    };
    let hash = packet.request_hash();
    let data = STANDARD.encode(receipt.encode());
    json!({
        "share": SHARE,
        "random": hex::encode(STORE_RANDOM),
        "info": hex::encode(info),
        "sealed": hex::encode(sealed),
        "request_hash": hex::encode(hash),
        "receipt": {
            "version": receipt.version,
            "split": hex::encode(receipt.split),
            "slot_id": receipt.slot_id,
            "commitment": hex::encode(receipt.commitment),
            "decided_at": receipt.decided_at,
        },
        "packet": packet,
        "answer": answer(signatures, "/store/answer", &hash, "STORESUCCESS", data),
    })
}

fn given() -> GivenShare {
    GivenShare {
        share: SHARE.as_bytes().to_vec(),
        salt: SALT,
        version: TARGET.version,
        split: TARGET.split,
        slot_id: SLOT,
        decided_at: 102,
    }
}

fn retrieve(signatures: &Signatures) -> Value {
    let (requester, enclave) = (pair(1), pair(3).public_key().0);
    let data = BoundRetrieve {
        genesis_hash: GENESIS,
        kind: TARGET.kind,
        nft_id: TARGET.nft_id,
        enclave: &ss58(&enclave),
        role: RequesterType::Owner,
        one_time_key: sealed::public_key(&ONE_TIME_SECRET).unwrap(),
        token: TOKEN,
    }
    .to_string();
    let packet = RetrieveKeysharePacket {
        requester_address: ss58(&requester.public_key().0),
        requester_type: RequesterType::Owner,
        signature: signatures.at("/retrieve/packet/signature", &requester, data.as_bytes()),
        data,
    };
    let hash = packet.request_hash();
    let info = given_info(&enclave, &hash);
    let key = sealed::public_key(&ONE_TIME_SECRET).unwrap();
    let given = given();
    let sealed = sealed::seal(&key, &info, &given.encode(), &ANSWER_RANDOM).unwrap();
    let opened = sealed::open(&ONE_TIME_SECRET, &info, &sealed).unwrap();
    assert_eq!(GivenShare::decode_all(&mut opened.as_slice()), Ok(given.clone()));
    let data = STANDARD.encode(&sealed);
    json!({
        "one_time_secret": hex::encode(ONE_TIME_SECRET),
        "one_time_key": hex::encode(key),
        "random": hex::encode(ANSWER_RANDOM),
        "request_hash": hex::encode(hash),
        "info": hex::encode(info),
        "given": {
            "share": SHARE,
            "salt": hex::encode(given.salt),
            "version": given.version,
            "split": hex::encode(given.split),
            "slot_id": given.slot_id,
            "decided_at": given.decided_at,
        },
        "given_encoded": hex::encode(given.encode()),
        "commitment": hex::encode(given.commitment(GENESIS, TARGET.nft_id, TARGET.kind, true)),
        "sealed": hex::encode(sealed),
        "packet": packet,
        "answer": answer(signatures, "/retrieve/answer", &hash, "RETRIEVESUCCESS", data),
    })
}

fn vectors(signatures: &Signatures) -> Value {
    json!({
        "genesis_hash": hex::encode(GENESIS),
        "owner": keys(1),
        "signer": keys(2),
        "enclave": keys(3),
        "encryption_secret": hex::encode(ENCRYPTION_SECRET),
        "encryption_key": hex::encode(sealed::public_key(&ENCRYPTION_SECRET).unwrap()),
        "store": store(signatures),
        "retrieve": retrieve(signatures),
    })
}

#[test]
fn the_vectors_are_what_is_sent_and_answered() {
    if std::env::var_os(WRITE).is_some() {
        let text = serde_json::to_string_pretty(&vectors(&Signatures(None))).unwrap();
        fs::write(file(), format!("{text}\n")).unwrap();
    }
    let committed: Value = serde_json::from_slice(&fs::read(file()).unwrap()).unwrap();
    assert_eq!(vectors(&Signatures(Some(committed.clone()))), committed);
}

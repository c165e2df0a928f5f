// SPDX-License-Identifier: Apache-2.0

use alloc::{format, string::String, vec::Vec};

use super::*;

const TOKEN: AuthToken = AuthToken { block_number: 100, validity: 20 };

const TARGET: Target = Target {
    genesis_hash: [0xab; 32],
    kind: KeyshareKind::Secret,
    nft_id: 7,
    version: 1,
    split: [0xcd; 16],
};

fn approval() -> Approval<'static> {
    Approval { target: TARGET, signer: "5signer", token: TOKEN }
}

fn store() -> BoundStore<'static> {
    BoundStore { target: TARGET, enclave: "5enclave", sealed: "c2hhcmU=", token: TOKEN }
}

fn retrieve() -> BoundRetrieve<'static> {
    BoundRetrieve {
        genesis_hash: [0xab; 32],
        kind: KeyshareKind::Capsule,
        nft_id: 7,
        enclave: "5enclave",
        role: RequesterType::Delegatee,
        one_time_key: [0xef; 32],
        token: TOKEN,
    }
}

#[test]
fn the_strings_are_as_documented() {
    let (genesis, split, key) = ("ab".repeat(32), "cd".repeat(16), "ef".repeat(32));
    assert_eq!(
        approval().to_string(),
        format!("BOUND1_{genesis}_SECRET_7_1_{split}_5signer_100_20")
    );
    assert_eq!(
        store().to_string(),
        format!("STORE1_{genesis}_SECRET_7_1_{split}_5enclave_c2hhcmU=_100_20")
    );
    assert_eq!(
        retrieve().to_string(),
        format!("RETRIEVE1_{genesis}_CAPSULE_7_5enclave_DELEGATEE_{key}_100_20")
    );
}

#[test]
fn what_is_written_is_read_wrapped_or_bare() {
    for wrap in [false, true] {
        let sent = |field: String| if wrap { format!("<Bytes>{field}</Bytes>") } else { field };
        assert_eq!(Approval::parse(&sent(approval().to_string())), Ok(approval()));
        let (store_data, retrieve_data) = (sent(store().to_string()), sent(retrieve().to_string()));
        assert_eq!(BoundStore::parse(&store_data), Ok(store()));
        assert_eq!(BoundRetrieve::parse(&retrieve_data), Ok(retrieve()));
        let kinds = [(store_data, KeyshareKind::Secret), (retrieve_data, KeyshareKind::Capsule)];
        for (data, kind) in kinds {
            assert!(is_bound(&data));
            assert_eq!(named(&data), Some((kind, 7)));
        }
    }
    for role in RequesterType::ALL {
        let data = BoundRetrieve { role, ..retrieve() }.to_string();
        assert_eq!(BoundRetrieve::parse(&data).unwrap().role, role);
    }
}

#[test]
fn plain_strings_are_not_bound_ones() {
    for data in ["", "7_100_15", "7_a-share-of-some-length_100_15", "STORE1", "STORE_1", "store1_x"]
    {
        assert!(!is_bound(data), "{data}");
        assert_eq!(named(data), None);
    }
    for data in ["STORE1_", "RETRIEVE1_x", "<Bytes>STORE1_</Bytes>"] {
        assert!(is_bound(data), "{data}");
        assert_eq!(named(data), None);
    }
}

/// Each part of a string replaced by what it cannot be, and what is said then.
fn is_refused_for<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, PacketError>,
    wrong: &[(usize, &[&str], PacketError)],
) {
    assert!(read(text).is_ok());
    let parts: Vec<&str> = text.split('_').collect();
    for (index, values, error) in wrong {
        for value in *values {
            let mut parts = parts.clone();
            parts[*index] = value;
            let text = parts.join("_");
            assert_eq!(read(&text).err(), Some(*error), "{text}");
        }
    }
    for parts in [&parts[1..], &parts[..parts.len() - 1]] {
        assert_eq!(read(&parts.join("_")).err(), Some(PacketError::Format));
    }
    for text in [format!("{text}_1"), format!("_{text}"), String::new(), format!("<Bytes>{text}")] {
        assert_eq!(read(&text).err(), Some(PacketError::Format), "{text}");
    }
}

const NUMBERS: &[&str] = &["", "x", "-1", "+1", " 1", "01", "00", "4294967296", "１"];

#[test]
fn every_part_has_one_form() {
    let genesis_upper = "AB".repeat(32);
    let (short, long) = ("ab".repeat(31), "ab".repeat(33));
    let odd = format!("{}a", "ab".repeat(31));
    let accents = "é".repeat(32);
    let hashes: &[&str] = &["", "0x", &genesis_upper, &short, &long, &odd, &accents];
    let splits: &[&str] = &["", &"CD".repeat(16), &"cd".repeat(15), &"cd".repeat(17)];
    let domains: &[&str] = &["", "BOUND", "BOUND2", "bound1", "STORE2", "RETRIEVE2", "X"];
    let kinds: &[&str] = &["", "secret", "HYBRID", "0"];
    let (format, nft, token) = (PacketError::Format, PacketError::NftId, PacketError::Token);

    let target = [
        (0, domains, format),
        (1, hashes, format),
        (2, kinds, format),
        (3, NUMBERS, nft),
        (4, NUMBERS, format),
        (5, splits, format),
    ];
    let of_approval = [&target[..], &[(7, NUMBERS, token), (8, NUMBERS, token)]].concat();
    is_refused_for(&approval().to_string(), |text| Approval::parse(text).map(drop), &of_approval);

    let too_long = "A".repeat(MAX_SEALED_LEN + 1);
    let too_long = [too_long.as_str()];
    let of_store = [
        &target[..],
        &[
            (7, &[""], PacketError::EmptyShare),
            (7, &too_long, PacketError::ShareTooLong),
            (8, NUMBERS, token),
            (9, NUMBERS, token),
        ],
    ]
    .concat();
    is_refused_for(&store().to_string(), |text| BoundStore::parse(text).map(drop), &of_store);
    let longest = "A".repeat(MAX_SEALED_LEN);
    let data = BoundStore { sealed: &longest, ..store() }.to_string();
    assert!(BoundStore::parse(&data).is_ok());

    let of_retrieve = [
        (0, domains, format),
        (1, hashes, format),
        (2, kinds, format),
        (3, NUMBERS, nft),
        (5, &["", "owner", "KING"][..], format),
        (6, hashes, format),
        (7, NUMBERS, token),
        (8, NUMBERS, token),
    ];
    let read = |text: &str| BoundRetrieve::parse(text).map(drop);
    is_refused_for(&retrieve().to_string(), read, &of_retrieve);
}

#[test]
fn no_string_is_read_as_another() {
    let texts = [approval().to_string(), store().to_string(), retrieve().to_string()];
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(Approval::parse(text).is_ok(), index == 0);
        assert_eq!(BoundStore::parse(text).is_ok(), index == 1);
        assert_eq!(BoundRetrieve::parse(text).is_ok(), index == 2);
        assert!(crate::packet::SignerAddress::parse(text).is_err());
        assert!(crate::packet::StoreData::parse(text).is_err());
        assert!(crate::packet::RetrieveData::parse(text).is_err());
    }
}

#[test]
fn a_sealed_share_is_for_one_owner_approval_and_request_but_not_for_one_ciphertext() {
    let approved = approval().to_string();
    let info = |data: BoundStore<'_>, owner: u8, approval: &str| data.info(&[owner; 32], approval);
    let base = info(store(), 1, &approved);
    assert_eq!(info(BoundStore { sealed: "AAAA", ..store() }, 1, &approved), base);
    assert_eq!(info(store(), 1, &format!("<Bytes>{approved}</Bytes>")), base);
    let others = [
        info(store(), 2, &approved),
        info(store(), 1, &Approval { signer: "5other", ..approval() }.to_string()),
        info(BoundStore { enclave: "5other", ..store() }, 1, &approved),
        info(
            BoundStore { token: AuthToken { block_number: 101, ..TOKEN }, ..store() },
            1,
            &approved,
        ),
        info(BoundStore { target: Target { nft_id: 8, ..TARGET }, ..store() }, 1, &approved),
        info(BoundStore { target: Target { version: 2, ..TARGET }, ..store() }, 1, &approved),
    ];
    for other in others {
        assert_ne!(other, base);
    }

    let data = BoundStore { sealed: "", ..store() }.to_string();
    let mut bytes = b"TIP500-STORE/1".to_vec();
    bytes.extend([1; 32]);
    (approved, data).encode_to(&mut bytes);
    assert_eq!(base, bytes);
}

#[test]
fn debug_output_does_not_show_the_sealed_share() {
    assert!(!format!("{:?}", store()).contains("c2hhcmU="));
}

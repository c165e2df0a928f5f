// SPDX-License-Identifier: Apache-2.0

use tee_primitives::{archive::MAX_CHUNK_LEN, keyshare::KeyshareKind, nft::NftId};
use tempfile::TempDir;

use super::*;
use crate::store::{RecordKey, VersionKey};

const SHARE: &[u8] = b"a share of sufficient length";

fn account(number: u8) -> (TempDir, Account) {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::load_or_create(folder.path(), &Sealer::new(&[number; 32])).unwrap();
    (folder, account)
}

fn origin(account: &Account, key: &ArchiveKey) -> Origin {
    Origin {
        genesis_hash: [1; 32],
        slot_id: 2,
        account: account.id(),
        is_shared: true,
        begun_at: 10,
        key_hash: key.hash(),
    }
}

fn archive(recipients: &[&Account]) -> Archive {
    let key = ArchiveKey::random().unwrap();
    let origin = origin(recipients[0], &key);
    let recipients: Vec<_> = recipients.iter().map(|it| (it.id(), it.encryption_key())).collect();
    Archive::new(key, origin, &recipients).unwrap()
}

fn share(nft_id: NftId, length: usize) -> SharedRecord {
    let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
    SharedRecord {
        key: RecordKey { version, split: [2; 16] },
        share: vec![b's'; length],
        salt: [3; 32],
        owner: [4; 32],
        token_block: 5,
        is_bound: true,
    }
}

fn chunk(archive: &Archive, index: u32, is_last: bool, nft_id: NftId) -> Chunk {
    let sealed = archive.seal(index, is_last, &vec![share(nft_id, SHARE.len())]).unwrap();
    Chunk { index, is_last, sealed }
}

#[test]
fn every_recipient_opens_an_archive_and_nobody_else() {
    let [(_a, own), (_b, peer), (_c, stranger)] = [1, 2, 3].map(account);
    let made = archive(&[&own, &peer]);
    let chunk = chunk(&made, 0, true, 7);
    for account in [&own, &peer] {
        let header = Header::read(&made.header.encode()).unwrap();
        let key = unwrap(account, &header).expect("it opens");
        let opened = Archive::with_key(header, key).expect("the key is its key");
        assert_eq!(opened.open(&chunk), Some(vec![share(7, SHARE.len())]));
    }
    assert_eq!(unwrap(&stranger, &made.header), None);
    // What is wrapped for one does not open as another's.
    let mut stolen = made.header.clone();
    stolen.recipients[0].account = stranger.id();
    assert_eq!(unwrap(&stranger, &stolen), None);
    let mut swapped = made.header.clone();
    swapped.recipients[0].wrapped = made.header.recipients[1].wrapped;
    assert_eq!(unwrap(&own, &swapped), None);
}

#[test]
fn an_archive_says_of_itself_only_what_it_was_made_with() {
    let (_folder, own) = account(1);
    let made = archive(&[&own]);
    let changes: [fn(&mut Origin); 6] = [
        |origin| origin.genesis_hash = [9; 32],
        |origin| origin.slot_id = 3,
        |origin| origin.account = [9; 32],
        |origin| origin.is_shared = false,
        |origin| origin.begun_at = 11,
        |origin| origin.key_hash = [9; 32],
    ];
    for change in changes {
        let mut header = made.header.clone();
        change(&mut header.origin);
        assert_eq!(unwrap(&own, &header), None);
    }
    for position in 0..WRAPPED_LEN {
        let mut header = made.header.clone();
        header.recipients[0].wrapped[position] ^= 1;
        assert_eq!(unwrap(&own, &header), None, "byte {position}");
    }
    assert!(unwrap(&own, &made.header).is_some());
}

#[test]
fn cut_reordered_joined_and_changed_chunks_do_not_open() {
    let (_folder, own) = account(1);
    let made = archive(&[&own]);
    let [first, second, third] = [(0, false), (1, false), (2, true)]
        .map(|(index, is_last)| chunk(&made, index, is_last, index));
    for good in [&first, &second, &third] {
        assert_eq!(made.open(good), Some(vec![share(good.index, SHARE.len())]));
    }
    // Cut: the second is the last one. Reordered: it is the first one. Another follows the last.
    for (index, is_last, sealed) in
        [(1, true, &second), (0, false, &second), (2, false, &third), (2, true, &second)]
    {
        assert_eq!(made.open(&Chunk { index, is_last, sealed: sealed.sealed.clone() }), None);
    }
    // Joined: a chunk of another archive of the same enclave, and one whose head was changed.
    let other = archive(&[&own]);
    assert_eq!(other.open(&first), None);
    let mut header = made.header.clone();
    header.recipients.push(Recipient { account: [9; 32], wrapped: [9; WRAPPED_LEN] });
    let key = unwrap(&own, &header).expect("the own key is as it was");
    assert_eq!(Archive::with_key(header, key).unwrap().open(&first), None);
    for position in 0..first.sealed.len() {
        let mut changed = first.clone();
        changed.sealed[position] ^= 1;
        assert_eq!(made.open(&changed), None, "byte {position}");
        changed.sealed.truncate(position);
        assert_eq!(made.open(&changed), None, "{position} bytes");
    }
}

#[test]
fn another_key_is_not_taken_for_an_archive() {
    let (_folder, own) = account(1);
    let made = archive(&[&own]);
    let other = ArchiveKey::random().unwrap();
    assert!(Archive::with_key(made.header, other).is_none());
}

#[test]
fn a_ticket_is_good_for_its_archive_its_purpose_and_one_start() {
    let (folder, own) = account(1);
    let made = archive(&[&own]);
    let ticket = made.ticket(&own, Purpose::Backup).unwrap();
    let redeem = |header: &Header, ticket: &[u8], account: &Account, purpose| {
        Archive::redeem(header.clone(), ticket, account, purpose).is_some()
    };
    assert!(redeem(&made.header, &ticket, &own, Purpose::Backup));
    assert!(!redeem(&made.header, &ticket, &own, Purpose::Restore));
    let restoring = made.ticket(&own, Purpose::Restore).unwrap();
    assert!(!redeem(&made.header, &restoring, &own, Purpose::Backup));
    assert!(!redeem(&archive(&[&own]).header, &ticket, &own, Purpose::Backup));
    assert!(!redeem(&made.header, &ticket[1..], &own, Purpose::Backup));
    assert!(!redeem(&made.header, &[], &own, Purpose::Backup));
    let again = Account::load_or_create(folder.path(), &Sealer::new(&[1; 32])).unwrap();
    assert!(!redeem(&made.header, &ticket, &again, Purpose::Backup));
    // The key that opens the wrapped one is still the same.
    assert!(unwrap(&again, &made.header).is_some());
}

#[test]
fn the_longest_share_fits_into_a_chunk() {
    let (_folder, own) = account(1);
    let made = archive(&[&own]);
    let longest = vec![share(1, tee_primitives::keyshare::MAX_SHARE_LEN)];
    assert!(longest.encoded_size() <= MAX_SHARES_LEN);
    let full = vec![share(1, MAX_SHARES_LEN - share(1, 0).encoded_size() - 2)];
    assert_eq!(full.encoded_size(), MAX_SHARES_LEN);
    assert!(made.seal(0, true, &full).unwrap().len() <= MAX_CHUNK_LEN);
}

#[test]
fn keys_are_not_shown() {
    let key = ArchiveKey([0xab; 32]);
    assert_eq!(format!("{key:?}"), "ArchiveKey([redacted])");
}

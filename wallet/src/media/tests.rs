// SPDX-License-Identifier: Apache-2.0
use super::*;

const SMALL_CHUNK: u32 = 16;

fn key() -> MediaKey {
    MediaKey::generate().unwrap()
}

fn sealed(key: &MediaKey, plaintext: &[u8], chunk_len: u32) -> Vec<u8> {
    let mut sealed = Vec::new();
    seal(key, &mut &*plaintext, &mut sealed, chunk_len).unwrap();
    sealed
}

fn opened(key: &MediaKey, mut sealed: &[u8]) -> Result<Vec<u8>, MediaError> {
    let mut plaintext = Vec::new();
    open(key, &mut sealed, &mut plaintext).map(|()| plaintext)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 % 251) as u8).collect()
}

#[test]
fn what_was_sealed_opens_at_every_length_around_a_chunk() {
    let key = key();
    for len in 0..=3 * SMALL_CHUNK as usize + 1 {
        let plaintext = pattern(len);
        assert_eq!(opened(&key, &sealed(&key, &plaintext, SMALL_CHUNK)).unwrap(), plaintext);
    }
}

#[test]
fn a_file_larger_than_the_buffers_opens() {
    let key = key();
    let folder = tempfile::tempdir().unwrap();
    let [source, target, back] = ["source", "sealed", "back"].map(|name| folder.path().join(name));
    let plaintext = pattern(5 * CHUNK_LEN as usize + 12_345);
    std::fs::write(&source, &plaintext).unwrap();
    let hash = encrypt_file(&key, &source, &target).unwrap();
    assert_eq!(hash, hash_file(&target).unwrap());
    decrypt_file(&key, &target, &back).unwrap();
    assert_eq!(std::fs::read(&back).unwrap(), plaintext);
}

#[test]
fn a_file_cut_at_any_byte_does_not_open() {
    let key = key();
    let whole = sealed(&key, &pattern(40), SMALL_CHUNK);
    for len in 0..whole.len() {
        assert!(opened(&key, &whole[..len]).is_err(), "cut to {len} bytes");
    }
}

#[test]
fn a_file_with_any_byte_changed_does_not_open() {
    let key = key();
    let whole = sealed(&key, &pattern(40), SMALL_CHUNK);
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        assert!(opened(&key, &changed).is_err(), "byte {index} changed");
    }
}

#[test]
fn appended_repeated_and_reordered_chunks_do_not_open() {
    let key = key();
    let whole = sealed(&key, &pattern(48), SMALL_CHUNK);
    let chunk = SMALL_CHUNK as usize + TAG_LEN;
    let (header, chunks) = whole.split_at(HEADER_LEN);
    assert_eq!(chunks.len(), 3 * chunk);
    let join = |order: &[usize]| {
        let mut file = header.to_vec();
        for &index in order {
            file.extend(&chunks[index * chunk..(index + 1) * chunk]);
        }
        file
    };
    assert!(opened(&key, &join(&[0, 1, 2])).is_ok());
    for order in [&[1, 0, 2][..], &[0, 2], &[0, 1, 2, 2], &[0, 0, 1, 2], &[0, 1], &[2]] {
        assert!(matches!(opened(&key, &join(order)), Err(MediaError::Damaged)), "{order:?}");
    }
    let mut appended = whole.clone();
    appended.push(0);
    assert!(matches!(opened(&key, &appended), Err(MediaError::Damaged)));
}

#[test]
fn chunks_of_another_file_with_the_same_key_do_not_open() {
    let key = key();
    let (one, other) = (sealed(&key, b"one", SMALL_CHUNK), sealed(&key, b"two", SMALL_CHUNK));
    let mixed = [&one[..HEADER_LEN], &other[HEADER_LEN..]].concat();
    assert!(matches!(opened(&key, &mixed), Err(MediaError::Damaged)));
}

#[test]
fn another_key_is_told_apart_from_a_damaged_file() {
    let (right, wrong) = (key(), key());
    let file = sealed(&right, b"plaintext", SMALL_CHUNK);
    let header = MediaHeader::read(&mut file.as_slice()).unwrap();
    assert!(header.is_sealed_with(&right));
    assert!(!header.is_sealed_with(&wrong));
    assert!(matches!(opened(&wrong, &file), Err(MediaError::WrongKey)));
}

#[test]
fn a_header_cannot_ask_for_any_amount_of_memory() {
    let key = key();
    let mut file = sealed(&key, b"plaintext", SMALL_CHUNK);
    for chunk_len in [0, MAX_CHUNK_LEN + 1, u32::MAX] {
        file[9..13].copy_from_slice(&chunk_len.to_be_bytes());
        assert!(matches!(opened(&key, &file), Err(MediaError::Damaged)));
    }
}

#[test]
fn other_files_are_refused_by_name_of_the_reason() {
    let key = key();
    assert!(matches!(opened(&key, b""), Err(MediaError::NotSealed)));
    assert!(matches!(opened(&key, &[b'x'; 200]), Err(MediaError::NotSealed)));
    let mut newer = sealed(&key, b"plaintext", SMALL_CHUNK);
    newer[MAGIC.len()] = 2;
    assert!(matches!(opened(&key, &newer), Err(MediaError::UnknownFormat(2))));
}

#[test]
fn nothing_is_left_behind_when_opening_fails() {
    let key = key();
    let folder = tempfile::tempdir().unwrap();
    let [source, target] = ["sealed", "plain"].map(|name| folder.path().join(name));
    let mut file = sealed(&key, &pattern(5000), SMALL_CHUNK);
    let last = file.len() - 1;
    file[last] ^= 1;
    std::fs::write(&source, &file).unwrap();
    assert!(matches!(decrypt_file(&key, &source, &target), Err(MediaError::Damaged)));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["sealed"]);
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let key = key();
    let folder = tempfile::tempdir().unwrap();
    let [source, target] = ["source", "target"].map(|name| folder.path().join(name));
    std::fs::write(&source, b"source").unwrap();
    std::fs::write(&target, b"precious").unwrap();
    assert!(matches!(encrypt_file(&key, &source, &target), Err(MediaError::OutputExists(_))));
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
}

#[test]
fn debug_output_does_not_show_the_key() {
    let key = MediaKey::from_slice(&[0x5a; KEY_LEN]).unwrap();
    let shown = format!("{key:?}");
    assert!(!shown.contains("90") && !shown.contains("5a"), "{shown}");
}

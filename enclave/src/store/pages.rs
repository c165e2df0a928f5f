// SPDX-License-Identifier: Apache-2.0
//! The database's file as whoever has the disk sees it: every block of it is encrypted.
//!
//! redb's checksums find accidents: they have no key, and whoever can write the file can make a
//! well-formed one in which pages lead in a circle, or claim any size. Its blocks are therefore
//! encrypted (AES-256 in XTS mode, IEEE 1619, tweaked by their place) under a key that comes from the
//! store's data key. XTS adds nothing to the file's length, so what a crash leaves behind is the same
//! mixture of old and new as without it. A block that was changed becomes bytes that nobody can
//! choose, so the checksum in the page above it, which is encrypted too, no longer fits; opening
//! compares all of them.
//!
//! redb does not compare them again while it runs. So this remembers what each block was when it was
//! last read or written, and refuses another, also an older one: a universal hash (of POLYVAL, RFC 8452)
//! under keys that live as long as the process, 16 bytes of memory per block. That an older copy of
//! the whole file is put there while nothing runs is for the comparison with the chain to find.

use std::{
    io,
    ops::{Bound, Range},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aes::{
    cipher::{consts::U16, inout::InOutBuf, BlockDecrypt, BlockEncrypt, KeyInit},
    Aes256, Block as Unit,
};
use polyval::{universal_hash::UniversalHash, Polyval};
use redb::{BackendError, StorageBackend, StorageError};
use sp_crypto_hashing::blake2_512;
use zeroize::Zeroizing;

use super::StoreError;
use crate::seal;

/// Bytes that are encrypted and remembered together: the database's page.
pub(super) const BLOCK: usize = 4096;

/// Bytes that the cipher and the hash work on.
const UNIT: usize = 16;

/// Parts of a block that are hashed at the same time.
const LANES: usize = 4;

const KEY_DOMAIN: &[u8; 17] = b"TIP500-PAGE-KEY/1";

/// What is known of a block: its hash, or one of these.
type Known = u128;

/// Nothing yet: redb's checksums decide when the file is opened.
const NOTHING: Known = 0;

/// The file grew by it, and nothing was written there.
const EMPTY: Known = 1;

/// What the file is, as far as it was read and written here. Its owner may say otherwise.
struct Content {
    /// Its length, without the header.
    len: u64,
    blocks: Vec<Known>,
}

/// A file of encrypted blocks, of which the first is not the database's.
pub(super) struct Pages {
    file: Box<dyn StorageBackend>,
    cipher: Xts,
    hash: BlockHash,
    content: Mutex<Content>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages([redacted])")
    }
}

impl Pages {
    /// The pages in a file, under a store's data key.
    pub(super) fn new(
        file: Box<dyn StorageBackend>,
        data_key: &[u8; 32],
    ) -> Result<Self, StoreError> {
        let material = Zeroizing::new([KEY_DOMAIN.as_slice(), data_key].concat());
        let key = Zeroizing::new(blake2_512(&material));
        let cipher = Xts::new(&key);
        let hash_key = || seal::random::<UNIT>().map_err(StoreError::DataKey);
        let of_lane = Polyval::new((&*hash_key()?).into());
        let of_lanes = Polyval::new((&*hash_key()?).into());
        let hash = BlockHash { of_lane, of_lanes };
        let len = file.len().map_err(StorageError::Io)?.saturating_sub(BLOCK as u64);
        let content = Mutex::new(Content { len, blocks: Vec::new() });
        Ok(Self { file, cipher, hash, content })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, block: &[u8]) -> Known {
        self.hash.of(block).max(EMPTY + 1)
    }

    /// Reads whole blocks.
    fn read_blocks(&self, first: usize, out: &mut [u8]) -> io::Result<()> {
        self.file.read(in_file((first * BLOCK) as u64)?, out)?;
        for (index, block) in (first..).zip(out.chunks_exact_mut(BLOCK)) {
            let known = self.content().blocks.get(index).copied().unwrap_or(NOTHING);
            if known == EMPTY {
                block.fill(0);
                continue;
            }
            let found = self.hash(block);
            if known == NOTHING {
                self.learn(index, found);
            } else if known != found {
                // The file may still be whole, or become it again: it is opened anew, and that decides.
                return Err(io::Error::other("a block was replaced"));
            }
            self.cipher.decrypt(block, index as u128);
        }
        Ok(())
    }

    /// Writes whole blocks. Nobody reads them at the same time: the database never writes a page that
    /// anybody uses.
    fn write_blocks(&self, first: usize, mut blocks: Vec<u8>) -> io::Result<()> {
        for (index, block) in (first..).zip(blocks.chunks_exact_mut(BLOCK)) {
            self.cipher.encrypt(block, index as u128);
            self.learn(index, self.hash(block));
        }
        self.file.write(in_file((first * BLOCK) as u64)?, &blocks)
    }

    fn learn(&self, index: usize, what: Known) {
        let blocks = &mut self.content().blocks;
        if blocks.len() <= index {
            blocks.resize(index + 1, NOTHING);
        }
        if let Some(known) = blocks.get_mut(index) {
            *known = what;
        }
    }
}

/// A universal hash of whole blocks. Each product of POLYVAL waits for the one before, so every fourth
/// unit makes a hash of its own, and these are hashed under a second key. Two blocks that differ do so
/// in one of the four at least: they collide there with a chance of 64 in 2^128 at most, or in the hash
/// of hashes with 4 in 2^128.
struct BlockHash {
    of_lane: Polyval,
    of_lanes: Polyval,
}

impl BlockHash {
    fn of(&self, block: &[u8]) -> u128 {
        let mut lanes: [Polyval; LANES] = std::array::from_fn(|_| self.of_lane.clone());
        let (units, _) = block.as_chunks::<UNIT>();
        for row in units.chunks(LANES) {
            for (lane, unit) in lanes.iter_mut().zip(row) {
                lane.update(&[(*unit).into()]);
            }
        }
        let mut hash = self.of_lanes.clone();
        for lane in lanes {
            hash.update(&[lane.finalize()]);
        }
        u128::from_le_bytes(hash.finalize().into())
    }
}

/// AES-256 in XTS mode (IEEE 1619), of whole blocks. The units of 16 bytes are independent, so many are
/// done at once: libraries that take one after the other are ten times slower.
struct Xts {
    data: Aes256,
    tweak: Aes256,
}

impl Xts {
    fn new(key: &[u8; 64]) -> Self {
        let (data, tweak) = key.split_at(32);
        Self { data: Aes256::new(data.into()), tweak: Aes256::new(tweak.into()) }
    }

    fn encrypt(&self, block: &mut [u8], index: u128) {
        self.with_tweaks(block, index, |data, units| data.encrypt_blocks_inout(units));
    }

    fn decrypt(&self, block: &mut [u8], index: u128) {
        self.with_tweaks(block, index, |data, units| data.decrypt_blocks_inout(units));
    }

    /// Works on a block whose units have their tweaks added before and after.
    fn with_tweaks(
        &self,
        block: &mut [u8],
        index: u128,
        work: impl Fn(&Aes256, InOutBuf<'_, '_, Unit>),
    ) {
        let mut first = Unit::from(index.to_le_bytes());
        self.tweak.encrypt_block(&mut first);
        let mut next = u128::from_le_bytes(first.into());
        let mut tweaks = [0u128; BLOCK / UNIT];
        for tweak in &mut tweaks {
            *tweak = next;
            // Times x in the field of 2^128 elements.
            next = (next << 1) ^ ((next >> 127).wrapping_neg() & 0x87);
        }
        add(block, &tweaks);
        let (units, _) = InOutBuf::from(&mut *block).into_chunks::<U16>();
        work(&self.data, units);
        add(block, &tweaks);
    }
}

/// Adds its tweak to each unit.
fn add(block: &mut [u8], tweaks: &[u128]) {
    let (units, _) = block.as_chunks_mut::<UNIT>();
    for (unit, tweak) in units.iter_mut().zip(tweaks) {
        *unit = (u128::from_le_bytes(*unit) ^ tweak).to_le_bytes();
    }
}

/// Where a place of the database is in the file, whose first block is the header.
fn in_file(place: u64) -> io::Result<u64> {
    place.checked_add(BLOCK as u64).ok_or_else(too_far)
}

fn too_far() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a place that no file has")
}

/// The blocks that some bytes of the database are in.
fn blocks(place: u64, len: usize) -> io::Result<Range<usize>> {
    let begin = usize::try_from(place).map_err(|_| too_far())?;
    let end = begin.checked_add(len).ok_or_else(too_far)?;
    Ok(begin / BLOCK..end.div_ceil(BLOCK))
}

impl StorageBackend for Pages {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let blocks = blocks(offset, out.len())?;
        let begin = (offset % BLOCK as u64) as usize;
        if begin == 0 && out.len().is_multiple_of(BLOCK) {
            return self.read_blocks(blocks.start, out);
        }
        let mut whole = vec![0; blocks.len() * BLOCK];
        self.read_blocks(blocks.start, &mut whole)?;
        let wanted = whole.get(begin..begin + out.len()).ok_or_else(too_far)?;
        out.copy_from_slice(wanted);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(in_file(len)?)?;
        let mut content = self.content();
        let first_new = content.len.div_ceil(BLOCK as u64) as usize;
        let end = len.div_ceil(BLOCK as u64) as usize;
        // Grown, shrunk and grown again, a block is empty again.
        content.blocks.truncate(end.min(first_new));
        content.blocks.resize(end.min(first_new), NOTHING);
        content.blocks.resize(end, EMPTY);
        content.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let blocks = blocks(offset, data.len())?;
        let begin = (offset % BLOCK as u64) as usize;
        if begin == 0 && data.len().is_multiple_of(BLOCK) {
            return self.write_blocks(blocks.start, data.to_vec());
        }
        let mut whole = vec![0; blocks.len() * BLOCK];
        self.read_blocks(blocks.start, &mut whole)?;
        let place = whole.get_mut(begin..begin + data.len()).ok_or_else(too_far)?;
        place.copy_from_slice(data);
        self.write_blocks(blocks.start, whole)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use xts_mode::{get_tweak_default, Xts128};

    use super::*;
    use crate::store::testing::Disk;

    fn on(disk: &Disk) -> Pages {
        Pages::new(Box::new(disk.clone()), &[1; 32]).unwrap()
    }

    /// Room for blocks, behind the header.
    fn with_blocks(count: usize) -> (Disk, Pages) {
        let disk = Disk::holding(vec![0; BLOCK]);
        let pages = on(&disk);
        pages.set_len((count * BLOCK) as u64).unwrap();
        (disk, pages)
    }

    fn read(pages: &Pages, offset: usize, len: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0xee; len];
        pages.read(offset as u64, &mut out).map(|()| out)
    }

    /// Writes, reads and changes of length at all places, aligned and not, also after the file is
    /// opened again: as with a file that is not encrypted.
    #[test]
    fn it_reads_as_what_was_written() {
        let (disk, mut pages) = with_blocks(6);
        let mut model = vec![0; 6 * BLOCK];
        let mut state = 1u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % bound
        };
        for round in 0..2000 {
            let is_aligned = below(3) > 0;
            let unit = if is_aligned { BLOCK } else { 1 };
            let offset = below(model.len() / unit) * unit;
            let len = (below(2 * BLOCK) / unit * unit).min(model.len() - offset);
            match below(8) {
                0 => {
                    let blocks = 1 + below(8);
                    pages.set_len((blocks * BLOCK) as u64).unwrap();
                    model.resize(blocks * BLOCK, 0);
                }
                1 => {
                    // What was never written is no more than noise to whoever opens the file.
                    pages.write(0, &model).unwrap();
                    pages = on(&disk);
                }
                2..5 => {
                    let data: Vec<u8> = (0..len).map(|_| below(256) as u8).collect();
                    pages.write(offset as u64, &data).unwrap();
                    model[offset..offset + len].copy_from_slice(&data);
                }
                _ => assert_eq!(
                    read(&pages, offset, len).unwrap(),
                    &model[offset..offset + len],
                    "round {round}: {len} bytes at {offset}"
                ),
            }
            assert_eq!(pages.len().unwrap(), model.len() as u64);
        }
    }

    /// What another program that knows the standard makes of the same.
    #[test]
    fn blocks_are_encrypted_as_the_standard_says() {
        let key: [u8; 64] = std::array::from_fn(|index| index as u8 ^ 0x5a);
        let (first, second) = key.split_at(32);
        let oracle = Xts128::new(Aes256::new(first.into()), Aes256::new(second.into()));
        let ours = Xts::new(&key);
        for index in [0, 1, 255, 256, 1 << 40, u128::MAX] {
            let plain: Vec<u8> =
                (0..BLOCK).map(|byte| (byte * 7 + index as u8 as usize) as u8).collect();
            let (mut one, mut other) = (plain.clone(), plain.clone());
            oracle.encrypt_sector(&mut one, get_tweak_default(index));
            ours.encrypt(&mut other, index);
            assert_eq!(one, other, "block {index}");
            ours.decrypt(&mut other, index);
            assert_eq!(other, plain);
        }
    }

    /// Whatever of a block is changed or moved, its hash is another.
    #[test]
    fn a_hash_is_of_every_unit_and_its_place() {
        let (_disk, pages) = with_blocks(1);
        let block: Vec<u8> = (0..BLOCK).map(|byte| (byte * 7 + byte / UNIT) as u8).collect();
        let hash = pages.hash(&block);
        assert_eq!(pages.hash(&block), hash);
        assert_ne!(on(&Disk::holding(vec![0; BLOCK])).hash(&block), hash);
        for place in 0..BLOCK {
            let mut changed = block.clone();
            changed[place] ^= 1 << (place % 8);
            assert_ne!(pages.hash(&changed), hash, "byte {place}");
        }
        for distance in 1..=2 * LANES {
            for unit in 0..BLOCK / UNIT - distance {
                let (mut moved, place) = (block.clone(), unit * UNIT);
                let (front, back) = moved.split_at_mut(place + distance * UNIT);
                front[place..place + UNIT].swap_with_slice(&mut back[..UNIT]);
                assert_ne!(pages.hash(&moved), hash, "units {unit} and {distance} further");
            }
        }
    }

    #[test]
    fn equal_blocks_differ_on_the_disk_by_their_place() {
        let (disk, pages) = with_blocks(2);
        pages.write(0, &[7; 2 * BLOCK]).unwrap();
        let content = disk.content();
        let (first, second) = content[BLOCK..].split_at(BLOCK);
        assert_ne!(first, second);
        assert_ne!(first, [7; BLOCK]);
        // 16 bytes that are equal within a block differ too.
        assert_ne!(first[..16], first[16..32]);
    }

    #[test]
    fn a_block_that_is_replaced_while_it_is_known_is_refused() {
        let (disk, pages) = with_blocks(3);
        pages.write(0, &[1; 3 * BLOCK]).unwrap();
        let older = disk.content();
        pages.write(BLOCK as u64, &[2; BLOCK]).unwrap();
        let newer = disk.content();
        let refused = |content: Vec<u8>| {
            disk.replace(content);
            let error = read(&pages, BLOCK, BLOCK).unwrap_err();
            assert_eq!(error.to_string(), "a block was replaced");
            // The others are as they were.
            assert_eq!(read(&pages, 0, BLOCK).unwrap(), [1; BLOCK]);
        };
        let mut changed = newer.clone();
        changed[2 * BLOCK + 100] ^= 1;
        refused(changed);
        refused(older);
        let mut moved = newer.clone();
        moved.copy_within(BLOCK..2 * BLOCK, 2 * BLOCK);
        refused(moved);
        disk.replace(newer.clone());
        assert_eq!(read(&pages, BLOCK, BLOCK).unwrap(), [2; BLOCK]);
        // What was read once is known as well.
        let again = on(&disk);
        assert_eq!(read(&again, BLOCK, BLOCK).unwrap(), [2; BLOCK]);
        let mut changed = newer;
        changed[2 * BLOCK] ^= 1;
        disk.replace(changed);
        assert!(read(&again, BLOCK, BLOCK).is_err());
    }

    /// Whoever cuts the file, so that the database lets it grow again, gets no zeros read from where
    /// something was.
    #[test]
    fn a_file_that_is_cut_while_it_is_known_reads_as_nothing_else() {
        let (disk, pages) = with_blocks(3);
        pages.write(0, &[1; 3 * BLOCK]).unwrap();
        let content = disk.content();
        disk.replace(content[..2 * BLOCK].to_vec());
        assert_eq!(pages.len().unwrap(), 3 * BLOCK as u64);
        pages.set_len(4 * BLOCK as u64).unwrap();
        assert_eq!(read(&pages, 0, BLOCK).unwrap(), [1; BLOCK]);
        assert!(read(&pages, BLOCK, BLOCK).is_err());
        assert_eq!(read(&pages, 3 * BLOCK, BLOCK).unwrap(), [0; BLOCK]);
    }

    /// Whoever changes a byte changes 16 bytes at least, to others than he can choose.
    #[test]
    fn a_changed_byte_becomes_noise() {
        let (disk, pages) = with_blocks(1);
        pages.write(0, &[0; BLOCK]).unwrap();
        let mut changed = disk.content();
        changed[BLOCK + 40] ^= 1;
        disk.replace(changed);
        let found = read(&on(&disk), 0, BLOCK).unwrap();
        let noise = found.iter().enumerate().filter(|(_, byte)| **byte != 0);
        let places: Vec<usize> = noise.map(|(place, _)| place).collect();
        assert!(places.iter().all(|place| (32..48).contains(place)), "{places:?}");
        assert!(places.len() > 8, "{places:?}");
    }

    #[test]
    fn places_that_no_file_has_are_errors() {
        let (_disk, pages) = with_blocks(1);
        for offset in [BLOCK as u64, u64::MAX, u64::MAX - BLOCK as u64 + 1, 1 << 40] {
            assert!(pages.read(offset, &mut [0; 16]).is_err());
            assert!(pages.read(offset / BLOCK as u64 * BLOCK as u64, &mut [0; BLOCK]).is_err());
        }
        assert!(pages.set_len(u64::MAX).is_err());
    }
}

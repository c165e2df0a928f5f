// SPDX-License-Identifier: Apache-2.0
//! Media files, encrypted with AES-256-GCM as a stream.
//!
//! A sealed file is a header and a sequence of chunks:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `TEEMEDIA` |
//! | 1 | format version, 1 |
//! | 4 | plaintext bytes per chunk, big-endian |
//! | 7 | nonce prefix, random |
//! | 32 | key check: `SHA-256("TEE-MEDIA/1 key" ‖ nonce prefix ‖ key)` |
//! | … | chunks: ciphertext and a tag of 16 bytes each |
//!
//! Chunks follow the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with a 32-bit
//! counter: every chunk but the last is full, the last one is marked as such in its nonce, and
//! every chunk authenticates the whole header. A file that was cut, extended, reordered or changed
//! does not open. The key check tells a wrong key from a damaged file without reading the body, and
//! binds the file to one key, which AES-GCM alone does not. A key encrypts one file.
//!
//! Memory use does not depend on the size of the file.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use aes_gcm::{
    aead::{
        generic_array::GenericArray,
        stream::{DecryptorBE32, EncryptorBE32},
    },
    Aes256Gcm,
};
use rand::{rngs::OsRng, TryRngCore};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Bytes of a media key.
pub const KEY_LEN: usize = 32;

/// Plaintext bytes in each chunk but the last.
pub const CHUNK_LEN: u32 = 64 * 1024;

/// The longest chunk that is read, so that a header cannot ask for any amount of memory.
pub const MAX_CHUNK_LEN: u32 = 1024 * 1024;

const MAGIC: [u8; 8] = *b"TEEMEDIA";
const FORMAT: u8 = 1;
const NONCE_LEN: usize = 7;
const CHECK_LEN: usize = 32;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = MAGIC.len() + 1 + 4 + NONCE_LEN + CHECK_LEN;

/// Why media could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Reading or writing failed.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Reading or writing within the stream failed.
    #[error("cannot read or write the media: {0}")]
    Io(#[from] io::Error),
    /// The output file is there already; it is not replaced.
    #[error("{0} exists already and is not overwritten")]
    OutputExists(PathBuf),
    /// The system gave no random bytes.
    #[error("the system's random number generator failed: {0}")]
    Random(#[from] rand::rand_core::OsError),
    /// It does not begin like a sealed file.
    #[error("this is not a sealed media file")]
    NotSealed,
    /// A newer program sealed it.
    #[error("the media file has format {0}, which this program does not know")]
    UnknownFormat(u8),
    /// The key belongs to another file.
    #[error("the key does not open this media file")]
    WrongKey,
    /// The file was cut, extended or changed.
    #[error("the media file is damaged or was tampered with")]
    Damaged,
    /// More than the construction's counter can number.
    #[error("the media file is too long to be sealed")]
    TooLong,
}

impl MediaError {
    pub(crate) fn file<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

/// The key of one media file.
#[derive(Clone)]
pub struct MediaKey(Zeroizing<[u8; KEY_LEN]>);

impl MediaKey {
    /// A random key.
    pub fn generate() -> Result<Self, MediaError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        OsRng.try_fill_bytes(key.as_mut())?;
        Ok(Self(key))
    }

    /// The key with these bytes; `None` unless there are [`KEY_LEN`] of them.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        if bytes.len() != KEY_LEN {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaKey([redacted])")
    }
}

/// The first bytes of a sealed file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaHeader {
    encoded: [u8; HEADER_LEN],
    chunk_len: usize,
    nonce: [u8; NONCE_LEN],
    check: [u8; CHECK_LEN],
}

impl MediaHeader {
    fn new(key: &MediaKey, chunk_len: u32) -> Result<Self, MediaError> {
        let mut nonce = [0; NONCE_LEN];
        OsRng.try_fill_bytes(&mut nonce)?;
        let mut encoded = Vec::with_capacity(HEADER_LEN);
        encoded.extend(MAGIC);
        encoded.push(FORMAT);
        encoded.extend(chunk_len.to_be_bytes());
        encoded.extend(nonce);
        encoded.extend(key_check(key, &nonce));
        Self::read(&mut encoded.as_slice())
    }

    /// Reads a header from the start of a sealed file.
    pub fn read(reader: &mut impl Read) -> Result<Self, MediaError> {
        let mut encoded = [0; HEADER_LEN];
        if read_full(reader, &mut encoded)? != HEADER_LEN {
            return Err(MediaError::NotSealed);
        }
        let mut rest = encoded.as_slice();
        if take(&mut rest)? != MAGIC {
            return Err(MediaError::NotSealed);
        }
        let [format] = take(&mut rest)?;
        if format != FORMAT {
            return Err(MediaError::UnknownFormat(format));
        }
        let chunk_len = u32::from_be_bytes(take(&mut rest)?);
        if chunk_len == 0 || chunk_len > MAX_CHUNK_LEN {
            return Err(MediaError::Damaged);
        }
        let nonce = take(&mut rest)?;
        let check = take(&mut rest)?;
        // At most MAX_CHUNK_LEN, so it fits.
        let chunk_len = chunk_len as usize;
        Ok(Self { encoded, chunk_len, nonce, check })
    }

    /// Reads the header of a sealed file.
    pub fn of_file(path: &Path) -> Result<Self, MediaError> {
        let mut file = File::open(path).map_err(MediaError::file("open", path))?;
        Self::read(&mut file)
    }

    /// Whether the file is sealed with this key.
    pub fn is_sealed_with(&self, key: &MediaKey) -> bool {
        key_check(key, &self.nonce) == self.check
    }
}

fn key_check(key: &MediaKey, nonce: &[u8; NONCE_LEN]) -> [u8; CHECK_LEN] {
    let hasher = Sha256::new().chain_update(b"TEE-MEDIA/1 key");
    hasher.chain_update(nonce).chain_update(key.as_bytes()).finalize().into()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MediaError> {
    let (head, tail) = rest.split_first_chunk().ok_or(MediaError::NotSealed)?;
    *rest = tail;
    Ok(*head)
}

/// Reads until the buffer is full or the input ends; returns how much was read.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Hands over the input in chunks of `chunk_len`; `last` says whether the input ends with this one,
/// which needs the next to be read first.
fn for_each_chunk(
    reader: &mut impl Read,
    chunk_len: usize,
    mut on_chunk: impl FnMut(&mut Zeroizing<Vec<u8>>, Last) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let mut chunk = Zeroizing::new(Vec::with_capacity(chunk_len + TAG_LEN));
    let mut next = Zeroizing::new(Vec::with_capacity(chunk_len + TAG_LEN));
    read_chunk(reader, &mut chunk, chunk_len)?;
    loop {
        read_chunk(reader, &mut next, chunk_len)?;
        if next.is_empty() {
            return on_chunk(&mut chunk, Last(true));
        }
        on_chunk(&mut chunk, Last(false))?;
        std::mem::swap(&mut chunk, &mut next);
    }
}

struct Last(bool);

fn read_chunk(reader: &mut impl Read, chunk: &mut Vec<u8>, chunk_len: usize) -> io::Result<()> {
    chunk.resize(chunk_len, 0);
    let read = read_full(reader, chunk)?;
    chunk.truncate(read);
    Ok(())
}

fn seal(
    key: &MediaKey,
    reader: &mut impl Read,
    writer: &mut impl Write,
    chunk_len: u32,
) -> Result<(), MediaError> {
    let header = MediaHeader::new(key, chunk_len)?;
    writer.write_all(&header.encoded)?;
    // `encrypt_last` consumes the encryptor, hence the Option.
    let mut encryptor = Some(EncryptorBE32::<Aes256Gcm>::new(
        GenericArray::from_slice(key.as_bytes()),
        GenericArray::from_slice(&header.nonce),
    ));
    for_each_chunk(reader, header.chunk_len, |chunk, Last(last)| {
        let aad = header.encoded.as_slice();
        let sealed = if last {
            encryptor.take().map(|encryptor| encryptor.encrypt_last_in_place(aad, &mut **chunk))
        } else {
            encryptor.as_mut().map(|encryptor| encryptor.encrypt_next_in_place(aad, &mut **chunk))
        };
        sealed.and_then(Result::ok).ok_or(MediaError::TooLong)?;
        Ok(writer.write_all(chunk)?)
    })
}

fn open(key: &MediaKey, reader: &mut impl Read, writer: &mut impl Write) -> Result<(), MediaError> {
    let header = MediaHeader::read(reader)?;
    if !header.is_sealed_with(key) {
        return Err(MediaError::WrongKey);
    }
    let mut decryptor = Some(DecryptorBE32::<Aes256Gcm>::new(
        GenericArray::from_slice(key.as_bytes()),
        GenericArray::from_slice(&header.nonce),
    ));
    for_each_chunk(reader, header.chunk_len + TAG_LEN, |chunk, Last(last)| {
        let aad = header.encoded.as_slice();
        let opened = if last {
            decryptor.take().map(|decryptor| decryptor.decrypt_last_in_place(aad, &mut **chunk))
        } else {
            decryptor.as_mut().map(|decryptor| decryptor.decrypt_next_in_place(aad, &mut **chunk))
        };
        opened.and_then(Result::ok).ok_or(MediaError::Damaged)?;
        Ok(writer.write_all(chunk)?)
    })
}

/// Seals `source` into the new file `target` and returns the SHA-256 of the sealed file.
///
/// `target` appears whole and durable, or not at all. The call blocks.
pub fn encrypt_file(key: &MediaKey, source: &Path, target: &Path) -> Result<[u8; 32], MediaError> {
    let mut reader = File::open(source).map_err(MediaError::file("open", source))?;
    write_whole(target, |writer| seal(key, &mut reader, writer, CHUNK_LEN))?;
    hash_file(target)
}

/// Opens the sealed file `source` into the new file `target`.
///
/// `target` appears whole and durable, or not at all: plaintext of a damaged file is not left
/// behind. The call blocks.
pub fn decrypt_file(key: &MediaKey, source: &Path, target: &Path) -> Result<(), MediaError> {
    let mut reader = File::open(source).map_err(MediaError::file("open", source))?;
    write_whole(target, |writer| open(key, &mut reader, writer))
}

/// The SHA-256 of a file. The call blocks.
pub fn hash_file(path: &Path) -> Result<[u8; 32], MediaError> {
    let mut file = File::open(path).map_err(MediaError::file("open", path))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher).map_err(MediaError::file("read", path))?;
    Ok(hasher.finalize().into())
}

/// Writes a file beside `target`, flushes it, and gives it its name as the last step.
pub(crate) fn write_whole(
    target: &Path,
    write: impl FnOnce(&mut File) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if target.exists() {
        return Err(MediaError::OutputExists(target.to_owned()));
    }
    let mut file = NamedTempFile::new_in(folder).map_err(MediaError::file("create", target))?;
    write(file.as_file_mut())?;
    file.as_file().sync_all().map_err(MediaError::file("flush", target))?;
    file.persist_noclobber(target).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => MediaError::OutputExists(target.to_owned()),
        _ => MediaError::file("create", target)(failed.error),
    })?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), MediaError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(MediaError::file("flush", folder))
}

#[cfg(test)]
mod tests;

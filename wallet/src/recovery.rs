// SPDX-License-Identifier: Apache-2.0
//! The file that keeps a media key until its shares are synced.
//!
//! Between paying for a secret NFT and its shares being confirmed, the key exists nowhere but in
//! the wallet. The file is written durably before anything is paid, readable by its owner only, and
//! removed once the enclaves have given the key back. Whoever reads it can open the media.
//!
//! A change replaces the file as a whole, so that a crash leaves the old or the new one. What the
//! disk held of an old or removed file is overwritten, as far as the file system writes in place;
//! a crash just after a change may leave it on the disk, without a name.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tee_primitives::{cluster::ClusterId, nft::NftId, Hash};
use tempfile::NamedTempFile;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    media::{sync_folder, write_whole, MediaError, MediaKey},
    packets::{SavedAttempt, StoreAttempt},
};

/// The longest recovery file that is read, in bytes.
const MAX_LEN: u64 = 4096;

/// Why a recovery file cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// It cannot be written.
    #[error("the recovery file cannot be written: {0}")]
    Write(#[from] MediaError),
    /// It cannot be read, replaced or removed.
    #[error("cannot {action} the recovery file {path}: {source}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is not a recovery file.
    #[error("{0} is not a recovery file")]
    Malformed(PathBuf),
}

/// A secret that is not yet synced.
pub struct PendingSecret {
    /// Hash of the first block of the chain the NFT is on.
    pub genesis_hash: Hash,
    /// The cluster that gets the shares.
    pub cluster_id: ClusterId,
    /// The NFT, once it is known.
    pub nft_id: Option<NftId>,
    /// The key of its media.
    pub key: MediaKey,
    /// The splitting that was offered to the enclaves last.
    pub attempt: Option<SavedAttempt>,
}

impl fmt::Debug for PendingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSecret")
            .field("cluster_id", &self.cluster_id)
            .field("nft_id", &self.nft_id)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    genesis_hash: String,
    cluster_id: ClusterId,
    nft_id: Option<NftId>,
    key: String,
    #[serde(default)]
    attempt: Option<SavedAttempt>,
}

impl Drop for Encoded {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl PendingSecret {
    fn encode(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let encoded = Encoded {
            genesis_hash: hex::encode(self.genesis_hash),
            cluster_id: self.cluster_id,
            nft_id: self.nft_id,
            key: hex::encode(self.key.as_bytes()),
            attempt: self.attempt.clone(),
        };
        // All of it from the beginning: growing would leave copies in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize));
        serde_json::to_writer_pretty(&mut *bytes, &encoded)?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut encoded: Encoded = serde_json::from_slice(bytes).ok()?;
        let key = Zeroizing::new(hex::decode(&encoded.key).ok()?);
        Some(Self {
            genesis_hash: hex::decode(&encoded.genesis_hash).ok()?.try_into().ok()?,
            cluster_id: encoded.cluster_id,
            nft_id: encoded.nft_id,
            key: MediaKey::from_slice(&key)?,
            attempt: encoded.attempt.take(),
        })
    }
}

/// A recovery file.
#[derive(Debug)]
pub struct RecoveryFile {
    path: PathBuf,
    pending: PendingSecret,
}

impl RecoveryFile {
    /// Where the recovery file of a sealed file is: beside it, with `.recovery` added to its name.
    pub fn path_for(sealed: &Path) -> PathBuf {
        let mut path = sealed.as_os_str().to_owned();
        path.push(".recovery");
        path.into()
    }

    /// Writes a new recovery file durably.
    pub fn create(path: PathBuf, pending: PendingSecret) -> Result<Self, RecoveryError> {
        let bytes = pending.encode().map_err(failed("encode", &path))?;
        write_whole(&path, |file| Ok(file.write_all(&bytes)?))?;
        Ok(Self { path, pending })
    }

    /// Reads a recovery file.
    pub fn open(path: PathBuf) -> Result<Self, RecoveryError> {
        let length = fs::metadata(&path).map_err(failed("read", &path))?.len();
        if length > MAX_LEN {
            return Err(RecoveryError::Malformed(path));
        }
        let bytes = Zeroizing::new(fs::read(&path).map_err(failed("read", &path))?);
        match PendingSecret::decode(&bytes) {
            Some(pending) => Ok(Self { path, pending }),
            None => Err(RecoveryError::Malformed(path)),
        }
    }

    /// What it holds.
    pub fn pending(&self) -> &PendingSecret {
        &self.pending
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names the NFT, durably.
    pub fn set_nft(&mut self, nft_id: NftId) -> Result<(), RecoveryError> {
        self.pending.nft_id = Some(nft_id);
        self.replace()
    }

    /// Keeps a splitting, durably, so that it can be offered again.
    pub fn set_attempt(&mut self, attempt: &StoreAttempt) -> Result<(), RecoveryError> {
        self.pending.attempt = Some(attempt.save());
        self.replace()
    }

    fn replace(&self) -> Result<(), RecoveryError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let replace = || {
            let old = File::options().write(true).open(&self.path)?;
            let bytes = self.pending.encode()?;
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|failed| failed.error)?;
            Ok(old)
        };
        let old = replace().map_err(failed("replace", &self.path))?;
        sync_folder(folder)?;
        overwrite(old).map_err(failed("overwrite the old content of", &self.path))
    }

    /// Removes the file.
    pub fn remove(self) -> Result<(), RecoveryError> {
        let wipe = || {
            overwrite(File::options().write(true).open(&self.path)?)?;
            fs::remove_file(&self.path)
        };
        wipe().map_err(failed("remove", &self.path))
    }
}

/// Replaces what a file holds by zeros.
fn overwrite(mut file: File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len().min(MAX_LEN)).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()
}

fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> RecoveryError + 'a {
    move |source| RecoveryError::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::PermissionsExt};

    use super::*;

    fn pending() -> PendingSecret {
        PendingSecret {
            genesis_hash: [7; 32],
            cluster_id: 3,
            nft_id: None,
            key: MediaKey::from_slice(&[0x5a; 32]).unwrap(),
            attempt: None,
        }
    }

    #[test]
    fn a_recovery_file_gives_back_what_was_written_and_only_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = RecoveryFile::path_for(&folder.path().join("media"));
        assert!(path.ends_with("media.recovery"));
        let mut file = RecoveryFile::create(path.clone(), pending()).unwrap();
        for nft_id in [None, Some(42)] {
            if let Some(nft_id) = nft_id {
                file.set_nft(nft_id).unwrap();
            }
            let read = RecoveryFile::open(path.clone()).unwrap();
            assert_eq!(read.pending().nft_id, nft_id);
            assert_eq!(read.pending().cluster_id, 3);
            assert_eq!(read.pending().genesis_hash, [7; 32]);
            assert_eq!(read.pending().key.as_bytes(), &[0x5a; 32]);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        file.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_recovery_file_gives_back_the_splitting_that_was_offered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("media.recovery");
        let mut file = RecoveryFile::create(path.clone(), pending()).unwrap();
        let alice = subxt_signer::sr25519::dev::alice();
        let attempt = StoreAttempt::new(&alice, 42, &file.pending().key, 100).unwrap();
        file.set_attempt(&attempt).unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= MAX_LEN);
        let read = RecoveryFile::open(path).unwrap();
        let saved = read.pending().attempt.as_ref().unwrap();
        assert_eq!(StoreAttempt::restore(&alice, saved).unwrap().split(), attempt.split());
    }

    #[test]
    fn what_a_change_replaced_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("media.recovery");
        let mut file = RecoveryFile::create(path.clone(), pending()).unwrap();
        let mut old = File::open(&path).unwrap();
        file.set_nft(42).unwrap();
        let mut content = Vec::new();
        old.read_to_end(&mut content).unwrap();
        assert!(!content.is_empty() && content.iter().all(|byte| *byte == 0));
        assert_eq!(RecoveryFile::open(path).unwrap().pending().nft_id, Some(42));
    }

    #[test]
    fn a_recovery_file_is_not_overwritten_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("media.recovery");
        RecoveryFile::create(path.clone(), pending()).unwrap();
        assert!(matches!(
            RecoveryFile::create(path, pending()),
            Err(RecoveryError::Write(MediaError::OutputExists(_)))
        ));
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(matches!(RecoveryFile::open(path.clone()), Err(RecoveryError::File { .. })));
        for content in ["", "{}", "not json", &"x".repeat(5000)] {
            fs::write(&path, content).unwrap();
            assert!(matches!(RecoveryFile::open(path.clone()), Err(RecoveryError::Malformed(_))));
        }
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        assert!(!format!("{:?}", pending()).contains("5a"));
    }
}

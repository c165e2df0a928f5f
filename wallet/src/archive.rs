// SPDX-License-Identifier: Apache-2.0
//! Files of cold backups (`docs/protocols/backup.md`): a head, and chunks that only enclaves can open,
//! each after its length.
//!
//! A file appears whole or not at all. Reading looks one chunk ahead: an enclave must be told which
//! one is the last.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use tee_primitives::archive::{Chunk, Header, MAGIC, MAX_CHUNK_LEN, MAX_HEADER_LEN};
use tempfile::NamedTempFile;

use crate::media::{sync_folder, MediaError};

/// Why a file of a backup cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
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
    /// The file is there already; it is not replaced.
    #[error("{0} exists already and is not overwritten")]
    Exists(PathBuf),
    /// The file's name could not be made durable.
    #[error(transparent)]
    Name(#[from] MediaError),
    /// It does not begin like a backup.
    #[error("{0} is not a backup, or its head was changed")]
    NoArchive(PathBuf),
    /// It ends within a chunk, or has a chunk of an impossible length.
    #[error("{0} is damaged or was cut: what follows chunk {1} cannot be read")]
    Cut(PathBuf, u32),
    /// What an enclave gave is no head, or a chunk that is too long.
    #[error("what the enclave gave is no part of a backup")]
    NoPart,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ArchiveError + 'a {
    move |source| ArchiveError::File { action, path: path.to_owned(), source }
}

/// A file of a backup that is being written, without its name yet. Dropping it leaves nothing.
#[derive(Debug)]
pub struct ArchiveWriter {
    file: NamedTempFile,
    path: PathBuf,
}

impl ArchiveWriter {
    /// Begins with a head, beside the file that is to be. Fails if that is there already.
    pub fn create(path: &Path, header: &[u8]) -> Result<Self, ArchiveError> {
        Header::read(header).ok_or(ArchiveError::NoPart)?;
        if path.exists() {
            return Err(ArchiveError::Exists(path.to_owned()));
        }
        let file = NamedTempFile::new_in(folder(path)).map_err(failed("create", path))?;
        let mut writer = Self { file, path: path.to_owned() };
        writer.write(MAGIC)?;
        writer.part(header)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.file.write_all(bytes).map_err(failed("write", &self.path))
    }

    fn part(&mut self, part: &[u8]) -> Result<(), ArchiveError> {
        let length = u32::try_from(part.len()).map_err(|_| ArchiveError::NoPart)?;
        self.write(&length.to_le_bytes())?;
        self.write(part)
    }

    /// Adds the next chunk.
    pub fn chunk(&mut self, sealed: &[u8]) -> Result<(), ArchiveError> {
        if sealed.is_empty() || sealed.len() > MAX_CHUNK_LEN {
            return Err(ArchiveError::NoPart);
        }
        self.part(sealed)
    }

    /// Gives the file its name, once all of it is durable.
    pub fn finish(self) -> Result<(), ArchiveError> {
        let Self { file, path } = self;
        file.as_file().sync_all().map_err(failed("flush", &path))?;
        file.persist_noclobber(&path).map_err(|failure| match failure.error.kind() {
            ErrorKind::AlreadyExists => ArchiveError::Exists(path.clone()),
            _ => failed("create", &path)(failure.error),
        })?;
        Ok(sync_folder(folder(&path))?)
    }
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A file of a backup that is being read.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    content: R,
    path: PathBuf,
    header: Vec<u8>,
    index: u32,
    next: Option<Vec<u8>>,
}

impl ArchiveReader<BufReader<File>> {
    /// Opens a file and reads its head.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(failed("open", path))?;
        Self::new(BufReader::new(file), path)
    }
}

impl<R: Read> ArchiveReader<R> {
    fn new(mut content: R, path: &Path) -> Result<Self, ArchiveError> {
        let no_archive = || ArchiveError::NoArchive(path.to_owned());
        let mut magic = [0; MAGIC.len()];
        content.read_exact(&mut magic).map_err(|_| no_archive())?;
        if magic != *MAGIC {
            return Err(no_archive());
        }
        let header = match part(&mut content, MAX_HEADER_LEN) {
            Ok(Some(header)) => header,
            Ok(None) => return Err(no_archive()),
            Err(error) if is_cut(&error) => return Err(no_archive()),
            Err(error) => return Err(failed("read", path)(error)),
        };
        Header::read(&header).ok_or_else(no_archive)?;
        let mut reader = Self { content, path: path.to_owned(), header, index: 0, next: None };
        reader.next = reader.read()?;
        Ok(reader)
    }

    /// Its head.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        part(&mut self.content, MAX_CHUNK_LEN).map_err(|error| match is_cut(&error) {
            true => ArchiveError::Cut(self.path.clone(), self.index),
            false => failed("read", &self.path)(error),
        })
    }

    /// The next chunk; `None` after the last one.
    pub fn chunk(&mut self) -> Result<Option<Chunk>, ArchiveError> {
        let Some(sealed) = self.next.take() else { return Ok(None) };
        self.next = self.read()?;
        let (index, is_last) = (self.index, self.next.is_none());
        self.index = index.saturating_add(1);
        Ok(Some(Chunk { index, is_last, sealed }))
    }
}

fn is_cut(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}

/// Reads a length and so many bytes, at most `longest`; `None` at the end.
fn part(content: &mut impl Read, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::new();
    content.by_ref().take(4).read_to_end(&mut length)?;
    if length.is_empty() {
        return Ok(None);
    }
    let length: [u8; 4] = length.try_into().map_err(|_| ErrorKind::UnexpectedEof)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > longest {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut part = vec![0; length];
    content.read_exact(&mut part)?;
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use codec::Encode;
    use tee_primitives::archive::Origin;

    use super::*;

    fn header() -> Vec<u8> {
        let origin = Origin {
            genesis_hash: [1; 32],
            slot_id: 2,
            account: [3; 32],
            is_shared: true,
            begun_at: 4,
            key_hash: [5; 32],
        };
        Header { origin, recipients: Vec::new() }.encode()
    }

    fn write(path: &Path, chunks: &[&[u8]]) {
        let mut writer = ArchiveWriter::create(path, &header()).unwrap();
        for chunk in chunks {
            writer.chunk(chunk).unwrap();
        }
        writer.finish().unwrap();
    }

    fn read(content: &[u8]) -> Result<Vec<Chunk>, ArchiveError> {
        let mut reader = ArchiveReader::new(content, Path::new("file"))?;
        assert_eq!(reader.header(), header());
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.chunk()? {
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    #[test]
    fn what_is_written_is_read_and_the_last_chunk_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let longest = vec![7; MAX_CHUNK_LEN];
        write(&path, &[b"first", &longest]);
        let mut reader = ArchiveReader::open(&path).unwrap();
        assert_eq!(reader.header(), header());
        let first = Chunk { index: 0, is_last: false, sealed: b"first".to_vec() };
        let second = Chunk { index: 1, is_last: true, sealed: longest };
        assert_eq!(reader.chunk().unwrap(), Some(first));
        assert_eq!(reader.chunk().unwrap(), Some(second));
        assert_eq!(reader.chunk().unwrap(), None);
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        drop(ArchiveWriter::create(&path, &header()).unwrap());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        let late = ArchiveWriter::create(&path, &header()).unwrap();
        write(&path, &[b"first"]);
        assert!(matches!(late.finish(), Err(ArchiveError::Exists(_))));
        let again = ArchiveWriter::create(&path, &header());
        assert!(matches!(again, Err(ArchiveError::Exists(_))));
        assert_eq!(read(&std::fs::read(&path).unwrap()).unwrap().len(), 1);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_an_enclave_makes_up_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let created = ArchiveWriter::create(&path, b"no head");
        assert!(matches!(created, Err(ArchiveError::NoPart)));
        let mut writer = ArchiveWriter::create(&path, &header()).unwrap();
        for chunk in [vec![], vec![0; MAX_CHUNK_LEN + 1]] {
            assert!(matches!(writer.chunk(&chunk), Err(ArchiveError::NoPart)));
        }
    }

    #[test]
    fn a_file_that_was_cut_is_named_as_one_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        write(&path, &[b"first", b"second"]);
        let content = std::fs::read(&path).unwrap();
        let head = MAGIC.len() + 4 + header().len();
        for length in 0..content.len() {
            match read(&content[..length]) {
                Err(ArchiveError::NoArchive(_)) => assert!(length < head, "{length}"),
                Err(ArchiveError::Cut(..)) => assert!(length > head, "{length}"),
                // Between two chunks: the one before is now said to be the last, which the enclave
                // refuses.
                Ok(chunks) => assert!([head, head + 9].contains(&length), "{length}: {chunks:?}"),
                Err(error) => panic!("{length}: {error}"),
            }
        }
        for length in [0, MAX_CHUNK_LEN as u32 + 1, u32::MAX] {
            let endless = [&content[..head], &length.to_le_bytes(), &content].concat();
            assert!(matches!(read(&endless), Err(ArchiveError::Cut(_, 0))), "{length}");
        }
        assert!(matches!(read(&[b'x'; 100]), Err(ArchiveError::NoArchive(_))));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The database, which is opened again after its disk has failed.
//!
//! Each time it is opened, the whole file is checked against its checksums before anything in it is
//! believed: redb trusts a file that was closed properly, and may panic on one that somebody else has
//! changed. A database whose disk has failed once does nothing any more: redb then does not know
//! what is on the disk.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use redb::{Database, ReadTransaction, ReadableDatabase, StorageError};

use super::{error::guarded, StoreError};
use crate::file;

/// Memory that the database may use for pages, in bytes.
const CACHE: usize = 64 * 1024 * 1024;

const FILE_NAME: &str = "store.redb";

/// Is there if the store was found to be corrupt while the enclave ran.
const MARK_NAME: &str = "store.corrupt";

/// The files that make up the store in a folder.
pub(crate) const FILES: [&str; 2] = [FILE_NAME, MARK_NAME];

/// Where the store's file is.
pub(crate) trait Medium: fmt::Debug + Send + Sync + 'static {
    /// Opens the file; makes it if there is none. It is there whole or not at all.
    fn open(&self, builder: &mut redb::Builder) -> Result<Database, redb::DatabaseError>;

    /// Makes the file's name durable: the database makes only its content durable.
    fn sync_name(&self) -> io::Result<()>;

    /// Remembers that the store is corrupt, for the next start.
    fn mark_corrupt(&self) -> io::Result<()>;

    /// Whether that was remembered.
    fn is_marked_corrupt(&self) -> io::Result<bool>;
}

/// A file in a folder.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Medium for Folder {
    fn open(&self, builder: &mut redb::Builder) -> Result<Database, redb::DatabaseError> {
        let path = self.0.join(FILE_NAME);
        if !path.try_exists().map_err(StorageError::Io)? {
            create(&path, builder)?;
        }
        builder.create(path)
    }

    fn sync_name(&self) -> io::Result<()> {
        file::sync_folder(&self.0)
    }

    fn mark_corrupt(&self) -> io::Result<()> {
        file::write(&self.0.join(MARK_NAME), b"")
    }

    fn is_marked_corrupt(&self) -> io::Result<bool> {
        self.0.join(MARK_NAME).try_exists()
    }
}

/// Makes an empty database. A crash while redb makes one leaves a file that is none, which would be
/// taken for a loss: so it gets its name when it is whole.
fn create(path: &Path, builder: &mut redb::Builder) -> Result<(), redb::DatabaseError> {
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (),
        removed => removed.map_err(StorageError::Io)?,
    }
    drop(builder.create(&temporary)?);
    let named = File::open(&temporary)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    Ok(named.map_err(StorageError::Io)?)
}

/// Whether there is a store in `folder`.
pub fn exists(folder: &Path) -> io::Result<bool> {
    folder.join(FILE_NAME).try_exists()
}

/// Opens and checks a database. Its panics are errors.
pub(super) fn open(medium: &dyn Medium) -> Result<Database, StoreError> {
    if medium.is_marked_corrupt().map_err(StoreError::Folder)? {
        return Err(StoreError::Corrupt("it was found to be so before the last stop"));
    }
    guarded(|| {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        Ok(medium.open(&mut builder)?)
    })
}

/// Holds the database, or its place while it is opened again.
#[derive(Debug)]
pub(super) struct Slot(RwLock<Option<Database>>);

impl Slot {
    pub(super) fn new(database: Database) -> Self {
        Self(RwLock::new(Some(database)))
    }

    /// Uses the database. The lock is held for as long as that takes: what uses it does not wait for
    /// anything but the disk.
    pub(super) fn with<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(StoreError::Unavailable)?;
        guarded(|| act(database))
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|database| read(&database.begin_read()?))
    }

    /// Takes the database out and closes it.
    pub(super) fn close(&self) {
        let database = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        // A database that has failed may also fail to close.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
    }

    pub(super) fn fill(&self, database: Database) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
    }
}

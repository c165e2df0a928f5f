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
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use redb::{
    backends::FileBackend, Database, ReadTransaction, ReadableDatabase, StorageBackend,
    StorageError,
};
use zeroize::Zeroizing;

use super::{
    error::guarded,
    header::{self, Owner},
    pages::{Pages, BLOCK},
    StoreError,
};
use crate::file;

/// Memory that the database may use for pages, in bytes.
pub(crate) const CACHE: usize = 64 * 1024 * 1024;

const FILE_NAME: &str = "store.redb";

/// Is there if the store was found to be corrupt while the enclave ran.
const MARK_NAME: &str = "store.corrupt";

/// The files that make up the store in a folder.
pub(crate) const FILES: [&str; 2] = [FILE_NAME, MARK_NAME];

/// A file that the store is in.
pub(crate) type Backend = Box<dyn StorageBackend>;

/// Where the store's file is.
pub(crate) trait Medium: fmt::Debug + Send + Sync + 'static {
    /// Whether there is a file.
    fn exists(&self) -> io::Result<bool>;

    /// Makes the file: it is there whole, as `fill` leaves an empty one, or not at all.
    fn create(
        &self,
        fill: &mut dyn FnMut(Backend) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Opens the file.
    fn open(&self) -> Result<Backend, redb::DatabaseError>;

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
    fn exists(&self) -> io::Result<bool> {
        exists(&self.0)
    }

    /// A crash while redb makes a database leaves a file that is none, which would be taken for a
    /// loss: so it gets its name when it is whole.
    fn create(
        &self,
        fill: &mut dyn FnMut(Backend) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.0.join(FILE_NAME);
        let temporary = path.with_extension("new");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&temporary).map_err(StorageError::Io)?;
        fill(Box::new(FileBackend::new(file)?))?;
        let named = File::open(&temporary)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&temporary, path));
        Ok(named.map_err(StorageError::Io)?)
    }

    fn open(&self) -> Result<Backend, redb::DatabaseError> {
        let file = File::options().read(true).write(true).open(self.0.join(FILE_NAME));
        Ok(Box::new(FileBackend::new(file.map_err(StorageError::Io)?)?))
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

/// Whether there is a store in `folder`.
pub fn exists(folder: &Path) -> io::Result<bool> {
    folder.join(FILE_NAME).try_exists()
}

/// Opens and checks a store's file, makes it if there is none: the database, and the data key.
pub(super) fn open(
    medium: &dyn Medium,
    owner: &Owner<'_>,
) -> Result<(Database, Zeroizing<[u8; 32]>), StoreError> {
    if medium.is_marked_corrupt().map_err(StoreError::Folder)? {
        return Err(StoreError::Corrupt("it was found to be so before the last stop"));
    }
    if !medium.exists().map_err(StoreError::Folder)? {
        medium.create(&mut |file| {
            let data_key = header::create(&*file, owner)?;
            in_file(file, &data_key).map(drop)
        })?;
    }
    let file = medium.open()?;
    let data_key = header::read(&*file, owner)?;
    Ok((not_empty(file, &data_key)?, data_key))
}

/// The same of a store that was open before.
pub(super) fn open_again(medium: &dyn Medium, data_key: &[u8; 32]) -> Result<Database, StoreError> {
    not_empty(medium.open()?, data_key)
}

/// A file gets its name when there is a database in it: redb would make a new one in an empty one.
fn not_empty(file: Backend, data_key: &[u8; 32]) -> Result<Database, StoreError> {
    match file.len().map_err(StorageError::Io)? <= BLOCK as u64 {
        true => Err(StoreError::Corrupt("there is nothing behind its header")),
        false => in_file(file, data_key),
    }
}

/// The database in a file. Panics of redb are errors.
fn in_file(file: Backend, data_key: &[u8; 32]) -> Result<Database, StoreError> {
    let pages = Pages::new(file, data_key)?;
    guarded(|| {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        Ok(builder.create_with_backend(pages)?)
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

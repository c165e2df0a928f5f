// SPDX-License-Identifier: Apache-2.0
//! What can go wrong with the store, and what that means: try again, stop, or lost.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
};

use super::schema::SCHEMA;
use crate::seal::SealError;

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the store's database failed: {0}")]
    Database(Box<redb::Error>),
    /// The database's file cannot be made durable.
    #[error("the store's folder cannot be made durable: {0}")]
    Folder(io::Error),
    /// The store was written by another version of the software.
    #[error("the store has schema {found}, this software reads schemas up to {SCHEMA}")]
    Schema {
        /// The store's schema.
        found: u32,
    },
    /// The store belongs to another account.
    #[error("the store was made for another enclave account than the one in its folder")]
    AnotherAccount,
    /// The store belongs to another chain.
    #[error("the store was made for another chain than the one this enclave serves")]
    AnotherChain,
    /// The data key does not open with this machine's seal key.
    #[error("the store's data key cannot be unwrapped: {0}")]
    DataKey(SealError),
    /// A value cannot be sealed or opened.
    #[error("a value of the store cannot be sealed or opened: {0}")]
    Value(SealError),
    /// A value is not what it should be.
    #[error("the store is corrupt: {0}")]
    Corrupt(&'static str),
    /// The database broke off. It does so on some files that it has not written itself.
    #[error("the store's database broke off")]
    BrokeOff,
    /// The disk fails or is full. The store is opened again by itself.
    #[error("the store's disk fails or is full")]
    Unavailable,
    /// The store is closed, because of an earlier failure or because the enclave stops.
    #[error("the store is closed")]
    Closed,
}

macro_rules! database_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

database_errors!(
    redb::CommitError,
    redb::CursorError,
    redb::DatabaseError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError
);

impl StoreError {
    /// Whether what is on the disk is not this enclave's store any more, and never will be: opening
    /// it again, or waiting, changes nothing.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::Database(error) => is_corruption(error),
            Self::DataKey(error) => *error == SealError::DoesNotOpen,
            Self::Corrupt(_) | Self::BrokeOff => true,
            Self::Folder(_)
            | Self::Schema { .. }
            | Self::AnotherAccount
            | Self::AnotherChain
            | Self::Value(_)
            | Self::Unavailable
            | Self::Closed => false,
        }
    }

    /// What callers are told: a disk that fails may work again.
    pub(super) fn or_unavailable(self) -> Self {
        match self {
            Self::Database(error) if !is_corruption(&error) => Self::Unavailable,
            error => error,
        }
    }
}

fn is_corruption(error: &redb::Error) -> bool {
    match error {
        redb::Error::Corrupted(_)
        | redb::Error::LockPoisoned(_)
        | redb::Error::RepairAborted
        | redb::Error::UpgradeRequired(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. } => true,
        // No database, or one that ends too early.
        redb::Error::Io(error) => {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

/// Does something with the database, whose panics end nothing but that.
pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    panic::catch_unwind(AssertUnwindSafe(act)).unwrap_or(Err(StoreError::BrokeOff))
}

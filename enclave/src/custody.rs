// SPDX-License-Identifier: Apache-2.0
//! Account and store, which belong together: opened together, and lost together.
//!
//! They are lost when the account or the store's data key no longer opens with the machine's seal key,
//! which changes with the machine's microcode and with the code, or when the store is corrupt. None of
//! that gets better by starting again. So what is lost is put aside, and the enclave begins anew, with
//! another account and nothing in its store: the operator names it as the successor of the one before
//! (TIP-500 knows this as an update of the enclave), and other enclaves of the slot refill it.
//!
//! Nothing is deleted: what is lost is moved into `lost-1`, `lost-2` … in the data folder, the account
//! first. A crash between the two leaves a store without account, which is a loss as well. When there
//! are [`MAX_LOSSES`] of these, the enclave does not start before somebody has taken them away: a
//! machine that loses its key with each start would fill the disk with them.
//!
//! A store of another chain, of another account or of a newer schema is no loss but a mistake of
//! whoever started the enclave: that is an error.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tee_primitives::Hash;
use tokio::task::JoinHandle;

use crate::{
    account::{self, Account, AccountError},
    file,
    seal::Sealer,
    store::{self, Store, StoreError},
};

/// Most losses that are kept.
pub const MAX_LOSSES: u32 = 16;

/// In which order files are put aside.
const ORDER: [&str; 3] = {
    let [database, mark] = store::FILES;
    [account::FILE_NAME, mark, database]
};

/// Why account and store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// There is no account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is lost cannot be put aside.
    #[error("what is lost cannot be put aside: {0}")]
    Aside(io::Error),
    /// Too much has been lost.
    #[error(
        "account or store are lost ({0}), and there are {MAX_LOSSES} earlier losses in the data \
         folder already: take them away"
    )]
    TooManyLosses(String),
}

impl CustodyError {
    /// Whether account and store will never open again.
    fn is_loss(&self) -> bool {
        match self {
            Self::Account(error) => error.is_loss(),
            Self::Store(error) => error.is_loss(),
            Self::Aside(_) | Self::TooManyLosses(_) => false,
        }
    }
}

/// Account and store.
#[derive(Debug)]
pub struct Custody {
    /// The enclave's keys.
    pub account: Arc<Account>,
    /// What it holds.
    pub store: Store,
    /// Ends as [`Store::open`] says.
    pub store_task: JoinHandle<Result<(), StoreError>>,
    /// How many accounts and stores before these are lost.
    pub losses: u32,
}

impl Custody {
    /// Opens account and store in `folder`. Makes them if there are none; puts them aside and makes
    /// new ones if they are lost.
    ///
    /// Must be called within a tokio runtime.
    pub fn open(folder: &Path, sealer: &Sealer, genesis: Hash) -> Result<Self, CustodyError> {
        let error = match Self::attempt(folder, sealer, genesis) {
            Err(error) if error.is_loss() => error,
            opened => return opened,
        };
        let aside = put_aside(folder, &error)?;
        tracing::error!(
            %error,
            aside = %aside.display(),
            "account and store are lost. They are put aside, and the enclave begins anew with \
             another account, which its operator must name as successor"
        );
        Self::attempt(folder, sealer, genesis)
    }

    fn attempt(folder: &Path, sealer: &Sealer, genesis: Hash) -> Result<Self, CustodyError> {
        let account = Arc::new(load_account(folder, sealer)?);
        let (store, store_task) = Store::open(folder, sealer, &account.id(), genesis)?;
        let losses = (1..=MAX_LOSSES).filter(|number| aside(folder, *number).exists()).count();
        let losses = u32::try_from(losses).unwrap_or(MAX_LOSSES);
        Ok(Self { account, store, store_task, losses })
    }
}

/// The account comes before the store. A store without an account is therefore not a first start
/// but a loss.
fn load_account(folder: &Path, sealer: &Sealer) -> Result<Account, AccountError> {
    let (has_account, has_store) = (account::exists(folder)?, store::exists(folder)?);
    if has_store && !has_account {
        return Err(AccountError::Lost);
    }
    if has_account && !has_store {
        tracing::warn!(
            "there is an account but no store: the enclave starts with an empty one. If it has held \
             shares before, they are lost"
        );
    }
    Account::load_or_create(folder, sealer)
}

fn aside(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("lost-{number}"))
}

/// Moves account and store out of the way, in this order, each durably. The database is the last: while
/// it is there, it is lost.
fn put_aside(folder: &Path, error: &CustodyError) -> Result<PathBuf, CustodyError> {
    let free = (1..=MAX_LOSSES).map(|number| aside(folder, number)).find(|path| !path.exists());
    let aside = free.ok_or_else(|| CustodyError::TooManyLosses(error.to_string()))?;
    move_all(folder, &aside).map_err(CustodyError::Aside)?;
    Ok(aside)
}

fn move_all(folder: &Path, aside: &Path) -> io::Result<()> {
    fs::create_dir(aside)?;
    for name in ORDER {
        match fs::rename(folder.join(name), aside.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            moved => moved?,
        }
        file::sync_folder(aside)?;
        file::sync_folder(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

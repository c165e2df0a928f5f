// SPDX-License-Identifier: Apache-2.0
//! The one thread that writes. It commits whatever is waiting in one transaction, so that many
//! requests share the cost of making them durable.
//!
//! When the disk fails or is full, whoever waits is told so at once, and the database is opened again
//! until that works, after growing pauses. When the database turns out to be corrupt, the thread
//! remembers it for the next start, and ends.

use std::{mem, sync::Arc, thread, time::Duration};

use redb::{Table, WriteTransaction};
use tee_primitives::{BlockNumber, RawAccountId};
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        oneshot,
    },
    task::{self, JoinHandle},
    time::Instant,
};

use super::{
    log::{self, LogState, Unindexed, INDEXED_AT_ONCE},
    others,
    schema::{
        LOG, LOG_OF_NFT, META, OTHERS, OTHERS_OF_NFT, OUTBOX, RECORDS, TIPS, UNSYNCED, WANTED,
    },
    Inner, RecordKey, StoreError, VersionKey,
};

/// Writes that may wait.
const QUEUE: usize = 1024;

/// Most writes in one transaction.
const MAX_BATCH: usize = 256;

/// Pauses before a database whose disk has failed is opened again: doubled from the first to the
/// last. Opening checks the whole file.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// In a pause, writes are refused after at most so long.
const TURN: Duration = Duration::from_millis(10);

/// The tables, in a transaction.
pub(super) struct Tables<'txn> {
    pub(super) meta: Table<'txn, &'static str, &'static [u8]>,
    pub(super) records: Table<'txn, &'static [u8; RecordKey::LEN], &'static [u8]>,
    pub(super) outbox: Table<'txn, u64, &'static [u8; RecordKey::LEN]>,
    pub(super) unsynced: Table<'txn, &'static [u8; VersionKey::LEN], BlockNumber>,
    pub(super) wanted: Table<'txn, &'static [u8; VersionKey::LEN], BlockNumber>,
    pub(super) log: Table<'txn, u64, &'static [u8]>,
    pub(super) log_of_nft: Table<'txn, (u32, u64), ()>,
    pub(super) others: Table<'txn, &'static others::Key, &'static [u8]>,
    pub(super) others_of_nft: Table<'txn, &'static others::KeyOfNft, ()>,
    pub(super) tips: Table<'txn, &'static RawAccountId, &'static [u8]>,
    /// What this transaction adds to the log and not to its index.
    pub(super) unindexed: Unindexed,
    /// Where the log ends, with what this transaction adds.
    pub(super) log_state: LogState,
    /// Whether something was put into the outbox.
    pub(super) outbox_grew: bool,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        log_state: LogState,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            records: transaction.open_table(RECORDS)?,
            outbox: transaction.open_table(OUTBOX)?,
            unsynced: transaction.open_table(UNSYNCED)?,
            wanted: transaction.open_table(WANTED)?,
            log: transaction.open_table(LOG)?,
            log_of_nft: transaction.open_table(LOG_OF_NFT)?,
            others: transaction.open_table(OTHERS)?,
            others_of_nft: transaction.open_table(OTHERS_OF_NFT)?,
            tips: transaction.open_table(TIPS)?,
            unindexed: Unindexed::new(),
            log_state,
            outbox_grew: false,
        })
    }
}

/// Answers whoever waits for a write, when it is durable. Dropped if it is not.
type Answer = Box<dyn FnOnce() + Send>;

/// Does a write in a transaction. `Err` if the transaction must not be committed.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Answer, StoreError> + Send>;

/// Hands writes to the thread.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(inner: Arc<Inner>) -> (Self, JoinHandle<Result<(), StoreError>>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = Thread { inner, queue, failures: 0 };
        (Self { jobs }, task::spawn_blocking(move || thread.run()))
    }

    /// Waits until the thread takes no more writes.
    #[cfg(test)]
    pub(super) async fn ended(&self) {
        self.jobs.closed().await;
    }

    /// Does a write; what it returns is durable when this returns. A write that fails undoes the
    /// others that share its transaction: their callers get [`StoreError::Unavailable`] too.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let value = write(tables)?;
            Ok(Box::new(move || {
                // Nobody waits any more if the request was given up.
                let _ = reply.send(value);
            }))
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Unavailable)
    }

    /// Tells the thread that reading has failed. If it has much to do, it finds out by itself.
    pub(super) fn suspect(&self, error: &StoreError) {
        let is_loss = error.is_loss();
        let _ = self.jobs.try_send(Box::new(move |_| {
            Err(match is_loss {
                true => StoreError::Corrupt("what was read is not what was written"),
                false => StoreError::Unavailable,
            })
        }));
    }
}

struct Thread {
    inner: Arc<Inner>,
    queue: mpsc::Receiver<Job>,
    /// Failures in a row.
    failures: u32,
}

impl Thread {
    fn run(mut self) -> Result<(), StoreError> {
        let result = self.work();
        if let Err(error) = &result {
            self.remember(error);
        }
        // The file is free when the task has ended, also if clones of the store are left.
        self.inner.database.close();
        result
    }

    fn work(&mut self) -> Result<(), StoreError> {
        while let Some(first) = self.queue.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH {
                match self.queue.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
            match self.commit(batch) {
                Ok(()) => self.failures = 0,
                Err(error) if error.is_loss() => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "nothing can be stored; the store is opened again");
                    if !self.open_again()? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn commit(&self, batch: Vec<Job>) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let (answers, state, outbox_grew, new) = inner.database.with(|database| {
            let transaction = database.begin_write()?;
            let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
            let (state, outbox_grew, new) = {
                let mut tables = Tables::open(&transaction, *inner.log_state.borrow())?;
                for job in batch {
                    answers.push(job(&mut tables)?);
                }
                let before = inner.unindexed().len();
                let new = if before + tables.unindexed.len() < INDEXED_AT_ONCE {
                    Some(mem::take(&mut tables.unindexed))
                } else {
                    let before = inner.unindexed().clone();
                    log::index(&mut tables, before)?;
                    None
                };
                (tables.log_state, tables.outbox_grew, new)
            };
            transaction.commit()?;
            Ok((answers, state, outbox_grew, new))
        })?;
        match new {
            Some(new) => inner.unindexed().extend(new),
            None => inner.unindexed().clear(),
        }
        inner.log_state.send_if_modified(|known| {
            let is_news = *known != state;
            *known = state;
            is_news
        });
        if outbox_grew {
            inner.outbox_grew.notify_one();
        }
        for answer in answers {
            answer();
        }
        Ok(())
    }

    /// Opens the database again, as often as it takes. `false` if nobody can write any more.
    fn open_again(&mut self) -> Result<bool, StoreError> {
        self.inner.database.close();
        loop {
            let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
            self.failures = self.failures.saturating_add(1);
            if !self.refuse(FIRST_PAUSE.saturating_mul(factor).min(LAST_PAUSE)) {
                return Ok(false);
            }
            match self.inner.open_again() {
                Ok(()) => {
                    tracing::info!("the store is open again");
                    // What a failed transaction has put there may be durable after all.
                    self.inner.outbox_grew.notify_one();
                    return Ok(true);
                }
                Err(error) if error.is_loss() => return Err(error),
                Err(error) => tracing::debug!(%error, "the store does not open yet"),
            }
        }
    }

    /// Refuses whatever comes for so long. `false` if nobody can write any more.
    fn refuse(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            match self.queue.try_recv() {
                Ok(job) => drop(job),
                Err(TryRecvError::Empty) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return true;
                    }
                    thread::sleep(left.min(TURN));
                }
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn remember(&self, error: &StoreError) {
        tracing::error!(%error, "the store is corrupt: the enclave stops");
        if let Err(error) = self.inner.medium.mark_corrupt() {
            tracing::error!(%error, "that could not be written down");
        }
    }
}

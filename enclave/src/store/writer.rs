// SPDX-License-Identifier: Apache-2.0
//! The one thread that writes. It commits whatever is waiting in one transaction, so that many
//! requests share the cost of making them durable.

use std::sync::Arc;

use redb::Table;
use tee_primitives::BlockNumber;
use tokio::{
    sync::{mpsc, oneshot},
    task::{self, JoinHandle},
};

use super::{Inner, RecordKey, StoreError, VersionKey, META, OUTBOX, RECORDS, UNSYNCED};

/// Writes that may wait.
const QUEUE: usize = 1024;

/// Most writes in one transaction.
const MAX_BATCH: usize = 256;

/// The tables, in a transaction.
pub(super) struct Tables<'txn> {
    pub(super) meta: Table<'txn, &'static str, &'static [u8]>,
    pub(super) records: Table<'txn, &'static [u8; RecordKey::LEN], &'static [u8]>,
    pub(super) outbox: Table<'txn, u64, &'static [u8; RecordKey::LEN]>,
    pub(super) unsynced: Table<'txn, &'static [u8; VersionKey::LEN], BlockNumber>,
    /// Whether something was put into the outbox.
    pub(super) outbox_grew: bool,
}

/// Answers whoever waits for a write; told whether it is durable.
type Answer = Box<dyn FnOnce(bool) + Send>;

/// Does a write in a transaction. `Err` if the transaction must not be committed.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Answer, Answer> + Send>;

/// Hands writes to the thread.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(inner: Arc<Inner>) -> (Self, JoinHandle<Result<(), StoreError>>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let task = task::spawn_blocking(move || run(&inner, queue));
        (Self { jobs }, task)
    }

    /// Waits until the thread takes no more writes.
    #[cfg(test)]
    pub(super) async fn ended(&self) {
        self.jobs.closed().await;
    }

    /// Does a write; what it returns is durable when this returns. A write that fails undoes the
    /// others that share its transaction: their callers get [`StoreError::Closed`], because the
    /// thread ends.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |tables| match write(tables) {
            Ok(value) => Ok(Box::new(move |durable| {
                // Nobody waits any more if the request was given up.
                let _ = reply.send(if durable { Ok(value) } else { Err(StoreError::Closed) });
            })),
            Err(error) => Err(Box::new(move |_| {
                let _ = reply.send(Err(error));
            })),
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn run(inner: &Inner, mut queue: mpsc::Receiver<Job>) -> Result<(), StoreError> {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            match queue.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        commit(inner, batch)?;
    }
    Ok(())
}

fn commit(inner: &Inner, batch: Vec<Job>) -> Result<(), StoreError> {
    let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
    let result = apply(inner, batch, &mut answers);
    for answer in answers {
        answer(result.is_ok());
    }
    result
}

fn apply(inner: &Inner, batch: Vec<Job>, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
    let transaction = inner.database.begin_write()?;
    let outbox_grew = {
        let mut tables = Tables {
            meta: transaction.open_table(META)?,
            records: transaction.open_table(RECORDS)?,
            outbox: transaction.open_table(OUTBOX)?,
            unsynced: transaction.open_table(UNSYNCED)?,
            outbox_grew: false,
        };
        for job in batch {
            match job(&mut tables) {
                Ok(answer) => answers.push(answer),
                Err(answer) => {
                    answers.push(answer);
                    return Err(StoreError::Corrupt("a write failed"));
                }
            }
        }
        tables.outbox_grew
    };
    transaction.commit()?;
    if outbox_grew {
        inner.outbox_grew.notify_one();
    }
    Ok(())
}

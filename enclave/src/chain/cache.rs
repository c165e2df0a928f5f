// SPDX-License-Identifier: Apache-2.0
//! What was read lately, read again at each newer final block before that block is told of.
//!
//! Most requests are about NFTs that others were about a moment ago. Their values are refreshed
//! together, by proofs of many keys at once, instead of one by one for each request. A value is used
//! only at the block that it was proven at: one that could not be refreshed in time is read when it
//! is asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{future::BoxFuture, FutureExt};
use tee_primitives::{BlockNumber, Hash};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{self, Instant},
};

use super::{At, Chain, ChainError, Head, Heads, Included, SubmitError, Values};

/// Keys that are kept. Four are about one NFT.
const MAX_KEYS: usize = 65_536;

/// What nobody has asked for during so many blocks is kept no longer.
const MAX_AGE: BlockNumber = 64;

/// Keys that are read at once.
const PAGE: usize = 1024;

/// Longest wait for refreshing, before the block is told of nevertheless.
const PATIENCE: Duration = Duration::from_secs(2);

/// A chain whose values are kept for the newest final block.
pub struct Cached {
    inner: Arc<dyn Chain>,
    heads: watch::Receiver<Option<Heads>>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    head: Option<Head>,
    values: HashMap<Vec<u8>, Entry>,
}

struct Entry {
    value: Option<Vec<u8>>,
    /// The newest final block when it was last asked for.
    used_at: BlockNumber,
}

impl Kept {
    /// The values, if all are kept for this block.
    fn get(&mut self, at: Hash, keys: &[Vec<u8>]) -> Option<Values> {
        let number = self.head.filter(|head| head.hash == at)?.number;
        let values = keys.iter().map(|key| {
            let entry = self.values.get_mut(key)?;
            entry.used_at = number;
            Some(entry.value.clone())
        });
        values.collect()
    }

    /// Keeps what was read at a block, if it is still the newest.
    fn add(&mut self, at: Hash, keys: Vec<Vec<u8>>, values: &Values) {
        let Some(head) = self.head.filter(|head| head.hash == at) else { return };
        for (key, value) in keys.into_iter().zip(values) {
            if self.values.len() < MAX_KEYS || self.values.contains_key(&key) {
                self.values.insert(key, Entry { value: value.clone(), used_at: head.number });
            }
        }
    }

    /// The keys that are worth refreshing at a block, the last used first.
    fn in_use(&self, number: BlockNumber) -> Vec<Vec<u8>> {
        let mut keys: Vec<_> = self
            .values
            .iter()
            .filter(|(_, entry)| entry.used_at.saturating_add(MAX_AGE) >= number)
            .map(|(key, entry)| (entry.used_at, key.clone()))
            .collect();
        keys.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// Goes on to a block, with what was read there.
    fn replace(&mut self, head: Head, read: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let mut old = std::mem::take(&mut self.values);
        self.values = read
            .into_iter()
            .filter_map(|(key, value)| {
                let used_at = old.remove(&key)?.used_at;
                Some((key, Entry { value, used_at }))
            })
            .collect();
        self.head = Some(head);
    }
}

impl Cached {
    /// Over this chain. The task refreshes; it ends when the chain's heads do.
    pub fn start(inner: Arc<dyn Chain>) -> (Self, JoinHandle<()>) {
        let (sender, heads) = watch::channel(None);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let task = tokio::spawn(refresh(inner.clone(), kept.clone(), sender));
        (Self { inner, heads, kept }, task)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_at(&self, hash: Hash, keys: Vec<Vec<u8>>) -> Result<Values, ChainError> {
        if let Some(values) = self.kept().get(hash, &keys) {
            return Ok(values);
        }
        let values = self.inner.read(At::Finalized(hash), keys.clone()).await?;
        self.kept().add(hash, keys, &values);
        Ok(values)
    }
}

async fn refresh(
    inner: Arc<dyn Chain>,
    kept: Arc<Mutex<Kept>>,
    told: watch::Sender<Option<Heads>>,
) {
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let mut heads = inner.heads();
    loop {
        let newest = heads.borrow_and_update().clone();
        if let Some(newest) = newest {
            let head = newest.finalized;
            if lock().head != Some(head) {
                let keys = lock().in_use(head.number);
                let read = read_pages(&*inner, head.hash, keys).await;
                lock().replace(head, read);
            }
            told.send_replace(Some(newest));
        }
        if heads.changed().await.is_err() {
            return;
        }
    }
}

/// Reads as much as there is time for.
async fn read_pages(
    inner: &dyn Chain,
    at: Hash,
    keys: Vec<Vec<u8>>,
) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let deadline = Instant::now() + PATIENCE;
    let mut read = Vec::with_capacity(keys.len());
    for page in keys.chunks(PAGE) {
        let values = inner.read(At::Finalized(at), page.to_vec());
        match time::timeout_at(deadline, values).await {
            Ok(Ok(values)) => read.extend(page.iter().cloned().zip(values)),
            _ => break,
        }
    }
    read
}

impl Chain for Cached {
    fn heads(&self) -> watch::Receiver<Option<Heads>> {
        self.heads.clone()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn leave(&self) {
        self.inner.leave();
    }

    fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>> {
        match at {
            At::Finalized(hash) => self.read_at(hash, keys).boxed(),
            At::Best => self.inner.read(at, keys),
        }
    }

    fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> BoxFuture<'_, Result<Included, SubmitError>> {
        self.inner.submit(call, at, genesis_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::scripted::{Scripted, OWN};

    /// Counts the questions.
    struct Counting {
        chain: Arc<Scripted>,
        asked: Mutex<Vec<usize>>,
    }

    impl Chain for Counting {
        fn heads(&self) -> watch::Receiver<Option<Heads>> {
            self.chain.heads()
        }

        fn trouble(&self) -> Option<String> {
            self.chain.trouble()
        }

        fn leave(&self) {}

        fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>> {
            self.asked.lock().unwrap().push(keys.len());
            self.chain.read(at, keys)
        }

        fn submit(
            &self,
            call: Vec<u8>,
            at: Head,
            genesis_hash: Hash,
        ) -> BoxFuture<'_, Result<Included, SubmitError>> {
            self.chain.submit(call, at, genesis_hash)
        }
    }

    struct World {
        chain: Arc<Scripted>,
        counting: Arc<Counting>,
        cached: Cached,
        _task: JoinHandle<()>,
    }

    impl World {
        fn start() -> Self {
            let chain = Scripted::at(10, &OWN);
            let counting = Arc::new(Counting { chain: chain.clone(), asked: Mutex::default() });
            let (cached, task) = Cached::start(counting.clone());
            Self { chain, counting, cached, _task: task }
        }

        async fn at(&self, number: BlockNumber) -> Hash {
            let mut heads = self.cached.heads();
            let is_it = |heads: &Option<Heads>| {
                heads.as_ref().is_some_and(|heads| heads.finalized.number == number)
            };
            let heads = time::timeout(Duration::from_secs(20), heads.wait_for(is_it)).await;
            let hash = heads.expect("in time").unwrap().as_ref().unwrap().finalized.hash;
            hash
        }

        async fn finalize(&self, number: BlockNumber) -> Hash {
            self.chain.finalize(number);
            self.at(number).await
        }

        async fn read(&self, at: Hash, keys: &[&[u8]]) -> Result<Values, ChainError> {
            let keys = keys.iter().map(|key| key.to_vec()).collect();
            self.cached.read(At::Finalized(at), keys).await
        }

        fn asked(&self) -> Vec<usize> {
            std::mem::take(&mut *self.counting.asked.lock().unwrap())
        }
    }

    #[tokio::test]
    async fn what_is_in_use_is_refreshed_at_once_at_each_block() {
        let world = World::start();
        world.chain.set(b"owner".to_vec(), 1u8);
        let before = world.finalize(11).await;
        let old = Ok(vec![Some(vec![1]), None]);
        assert_eq!(world.read(before, &[b"owner", b"rentee"]).await, old);
        assert_eq!(world.read(before, &[b"owner", b"rentee"]).await, old);
        assert_eq!(world.read(before, &[b"rentee"]).await, Ok(vec![None]));
        assert_eq!(world.asked(), [2]);
        world.chain.set(b"owner".to_vec(), 2u8);
        world.chain.set(b"rentee".to_vec(), 3u8);
        let after = world.finalize(12).await;
        assert_eq!(world.asked(), [2]);
        let new = Ok(vec![Some(vec![2]), Some(vec![3])]);
        assert_eq!(world.read(after, &[b"owner", b"rentee"]).await, new);
        assert_eq!(world.asked(), [0; 0]);
        // Of the block before, nothing is kept.
        assert_eq!(world.read(before, &[b"owner"]).await, Ok(vec![Some(vec![1])]));
        assert_eq!(world.read(after, &[b"owner"]).await, Ok(vec![Some(vec![2])]));
        assert_eq!(world.asked(), [1]);
    }

    #[tokio::test]
    async fn what_could_not_be_refreshed_is_not_used() {
        let world = World::start();
        world.chain.set(b"owner".to_vec(), 1u8);
        let before = world.finalize(11).await;
        world.read(before, &[b"owner"]).await.unwrap();
        world.chain.set(b"owner".to_vec(), 2u8);
        world.chain.unreachable(true);
        let after = world.finalize(12).await;
        assert!(world.read(after, &[b"owner"]).await.is_err());
        world.chain.unreachable(false);
        assert_eq!(world.read(after, &[b"owner"]).await, Ok(vec![Some(vec![2])]));
    }

    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_forgotten() {
        let world = World::start();
        let first = world.finalize(11).await;
        world.read(first, &[b"seldom", b"often"]).await.unwrap();
        for number in (20..=90).step_by(10) {
            let at = world.finalize(number).await;
            world.read(at, &[b"often"]).await.unwrap();
        }
        world.asked();
        world.finalize(91).await;
        assert_eq!(world.asked(), [1]);
    }

    #[test]
    fn there_is_a_most_that_is_kept() {
        let head = Head { number: 1, hash: [1; 32] };
        let mut kept = Kept { head: Some(head), ..Default::default() };
        let keys: Vec<_> = (0..MAX_KEYS as u32 + 10).map(|n| n.to_be_bytes().to_vec()).collect();
        let values = vec![None; keys.len()];
        kept.add(head.hash, keys, &values);
        assert_eq!(kept.values.len(), MAX_KEYS);
        kept.add([2; 32], vec![vec![0; 4]], &vec![Some(vec![1])]);
        assert_eq!(kept.get(head.hash, &[vec![0; 4]]), Some(vec![None]));
    }
}

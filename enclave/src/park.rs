// SPDX-License-Identifier: Apache-2.0
//! Requests that wait for finality.
//!
//! Published clients store a share as soon as the NFT is *included* in a block. The enclave decides
//! by finalized blocks, which come later: such a request is parked and decided again at each newer
//! finalized block.
//!
//! What is worth waiting for is what the best block already shows. That keeps strangers from
//! filling the park: a place there costs an NFT. The node may be some blocks behind the client's
//! when the request comes; so a few requests may wait until it has `NEWER_BLOCKS` more before they
//! are refused. When those places are taken, others are told to come again: a refusal would be final
//! for them, and it is not known yet whether it is right.

use std::{
    collections::{hash_map::Entry, HashMap},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tee_primitives::{BlockNumber, RawAccountId};
use tokio::{
    sync::{watch, OwnedSemaphorePermit, Semaphore},
    time::{self, Instant},
};

use crate::{
    chain::Heads,
    view::{Outlook, View},
};

/// Newer best blocks that a request waits for which the present one does not bear out.
const NEWER_BLOCKS: usize = 3;

/// Bounds of the park.
#[derive(Clone, Copy, Debug)]
pub struct ParkLimits {
    /// Requests in the park.
    pub places: usize,
    /// Requests of one account in the park.
    pub places_per_account: usize,
    /// Requests that wait for newer best blocks.
    pub latecomers: usize,
    /// Longest wait.
    pub wait: Duration,
}

impl Default for ParkLimits {
    fn default() -> Self {
        Self { places: 1024, places_per_account: 16, latecomers: 64, wait: Duration::from_secs(20) }
    }
}

/// A refusal that a later block may lift.
pub trait MayChange {
    /// Whether it may.
    fn may_change(&self) -> bool;
}

/// What was known when a request came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What `outlook` last gave.
    pub view: View,
    /// Tells newer finalized blocks.
    pub outlook: watch::Receiver<Outlook>,
    /// Tells newer best blocks.
    pub heads: watch::Receiver<Option<Heads>>,
}

/// How long to wait for the best block to show what a request is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// Not at all: the present one must.
    PresentBlock,
    /// One of the next `NEWER_BLOCKS` may, too. If none does, the request is decided once the block
    /// that was the best when it came, or a later one, is final.
    NewerBlocks,
}

/// There is no place in the park.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// The park.
pub struct Park {
    limits: ParkLimits,
    places: Arc<Semaphore>,
    latecomers: Semaphore,
    accounts: Mutex<HashMap<RawAccountId, usize>>,
}

/// A place in the park; free again when dropped.
struct Place<'park> {
    park: &'park Park,
    account: RawAccountId,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut accounts = self.park.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = accounts.entry(self.account) {
            if *entry.get() > 1 {
                *entry.get_mut() -= 1;
            } else {
                entry.remove();
            }
        }
    }
}

impl Park {
    /// An empty park.
    pub fn new(limits: ParkLimits) -> Self {
        Self {
            limits,
            places: Arc::new(Semaphore::new(limits.places)),
            latecomers: Semaphore::new(limits.latecomers),
            accounts: Mutex::default(),
        }
    }

    /// How many requests are in the park.
    pub fn depth(&self) -> usize {
        self.limits.places.saturating_sub(self.places.available_permits())
    }

    fn enter(&self, account: RawAccountId) -> Result<Place<'_>, Full> {
        let permit = self.places.clone().try_acquire_owned().map_err(|_| Full)?;
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let held = accounts.entry(account).or_default();
        if *held >= self.limits.places_per_account {
            return Err(Full);
        }
        *held += 1;
        Ok(Place { park: self, account, _permit: permit })
    }

    /// Decides a request at the newest finalized block. If a later block may lift the refusal, and
    /// `shown` says that the best block does, the request is decided again at each newer finalized
    /// block.
    ///
    /// `account` is whose request it is.
    pub async fn decide<T, E, Decision, Shown>(
        &self,
        account: RawAccountId,
        patience: Patience,
        arrival: Arrival,
        decide: impl Fn(View) -> Decision,
        shown: impl Fn() -> Shown,
    ) -> Result<T, E>
    where
        E: MayChange + From<Full>,
        Decision: Future<Output = Result<T, E>>,
        Shown: Future<Output = bool>,
    {
        let Arrival { view, mut outlook, heads } = arrival;
        let deadline = Instant::now() + self.limits.wait;
        let best = heads.borrow().as_ref().map(|heads| heads.best);
        let mut refusal = match decide(view).await {
            Err(refusal) if refusal.may_change() => refusal,
            decided => return decided,
        };
        if !shown().await {
            if patience == Patience::PresentBlock {
                return Err(refusal);
            }
            let _latecomer = self.latecomers.try_acquire().map_err(|_| Full)?;
            if !shown_by_newer(heads, best, deadline, shown).await {
                let Some(view) = final_since(outlook, best, deadline).await else {
                    return Err(refusal);
                };
                return decide(view).await;
            }
        }
        let _place = self.enter(account)?;
        while let Ok(Ok(())) = time::timeout_at(deadline, outlook.changed()).await {
            let Outlook::Known(view) = outlook.borrow_and_update().clone() else { break };
            match decide(view).await {
                Err(again) if again.may_change() => refusal = again,
                decided => return decided,
            }
        }
        Err(refusal)
    }
}

/// Whether one of the next best blocks after `best` shows what a request is about.
async fn shown_by_newer<Shown: Future<Output = bool>>(
    mut heads: watch::Receiver<Option<Heads>>,
    mut best: Option<BlockNumber>,
    deadline: Instant,
    shown: impl Fn() -> Shown,
) -> bool {
    let number = |heads: &Option<Heads>| heads.as_ref().map(|heads| heads.best);
    for _ in 0..NEWER_BLOCKS {
        let newer = heads.wait_for(|heads| number(heads) != best);
        match time::timeout_at(deadline, newer).await {
            Ok(Ok(newest)) => best = number(&newest),
            _ => return false,
        }
        if shown().await {
            return true;
        }
    }
    false
}

/// The newest view once it is at `best` or beyond: what the client knows as final may have come
/// here later, and the refusal is to say what is wrong with it. `None` if it takes too long.
async fn final_since(
    mut outlook: watch::Receiver<Outlook>,
    best: Option<BlockNumber>,
    deadline: Instant,
) -> Option<View> {
    let reached = |outlook: &Outlook| {
        outlook.known().is_some_and(|view| best.is_none_or(|best| view.finalized.number >= best))
    };
    let newest = time::timeout_at(deadline, outlook.wait_for(reached)).await.ok()?.ok()?;
    newest.known().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn park(places: usize, places_per_account: usize) -> Park {
        Park::new(ParkLimits { places, places_per_account, ..Default::default() })
    }

    #[test]
    fn the_park_is_bounded_in_all_and_per_account() {
        let park = park(3, 2);
        let first = park.enter([1; 32]).ok().unwrap();
        let _second = park.enter([1; 32]).ok().unwrap();
        assert!(park.enter([1; 32]).is_err());
        let _third = park.enter([2; 32]).ok().unwrap();
        assert!(park.enter([3; 32]).is_err());
        drop(first);
        assert!(park.enter([3; 32]).is_ok());
        assert!(park.enter([1; 32]).is_ok());
    }

    #[test]
    fn an_empty_park_remembers_no_account() {
        let park = park(3, 2);
        let places = [park.enter([1; 32]), park.enter([1; 32]), park.enter([2; 32])];
        assert_eq!((park.accounts.lock().unwrap().len(), park.depth()), (2, 3));
        drop(places);
        assert!(park.accounts.lock().unwrap().is_empty());
        assert_eq!((park.places.available_permits(), park.depth()), (3, 0));
    }
}

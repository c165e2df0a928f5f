// SPDX-License-Identifier: Apache-2.0
//! Transactions of the worker: a few at a time, and the next ones only when these are in a block.

use codec::{Decode, Encode};
use frame_system::offchain::{Account, SendSignedTransaction, Signer};
use sp_runtime::{
    offchain::{storage::StorageValueRef, Timestamp},
    traits::SaturatedConversion,
};

use super::LOG;
use crate::{Call, Config};

/// Where the worker notes what it has sent.
const SENT: &[u8] = b"tee::worker_sent";

/// Most transactions of one run.
const MAX_TRANSACTIONS: u32 = 8;

/// After so many blocks what was sent is taken for lost.
const PATIENCE: u32 = 10;

/// What was sent and may not be in a block yet.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
struct Sent {
    /// The account's nonce when all of it is.
    nonce: u32,
    /// The block at which it was sent.
    block: u32,
}

/// Signs and submits.
pub(crate) struct Sender<T: Config> {
    account: Account<T>,
    signer: Signer<T, T::AuthorityId>,
    block: u32,
    sent: u32,
    deadline: Timestamp,
}

impl<T: Config> Sender<T> {
    /// The first account with a key in the node's keystore; `None` if there is none, or if what it
    /// has sent is not in a block yet.
    pub(crate) fn find(block: u32, deadline: Timestamp) -> Option<Self> {
        let account = Signer::<T, T::AuthorityId>::keystore_accounts().next()?;
        let before = StorageValueRef::persistent(SENT).get::<Sent>().ok().flatten();
        let is_waiting = before.is_some_and(|sent| {
            nonce_of::<T>(&account) < sent.nonce
                && block >= sent.block
                && block - sent.block < PATIENCE
        });
        if is_waiting {
            return None;
        }
        let signer = Signer::<T, T::AuthorityId>::any_account();
        Some(Self { account, signer, block, sent: 0, deadline })
    }

    /// Whether this run is over: it has sent enough, something was refused, or its time is up.
    pub(crate) fn is_done(&self) -> bool {
        self.sent >= MAX_TRANSACTIONS || sp_io::offchain::timestamp() >= self.deadline
    }

    /// The block at which it runs.
    pub(crate) fn block(&self) -> u32 {
        self.block
    }

    /// A number that is this node's own, for things with this name.
    pub(crate) fn seed(&self, name: &impl Encode) -> u8 {
        let [seed, ..] = sp_io::hashing::blake2_128(&(&self.account.id, name).encode());
        seed
    }

    /// Submits a call. If the pool refuses it, the run is over: what follows was judged by a state
    /// in which this call has had its effect.
    pub(crate) fn send(&mut self, call: Call<T>) {
        if self.is_done() {
            return;
        }
        match self.signer.send_single_signed_transaction(&self.account, call) {
            Some(Ok(())) => {
                self.sent = self.sent.saturating_add(1);
                return;
            }
            Some(Err(())) => log::warn!(
                target: LOG,
                "the node's pool refused a transaction: is the worker's account funded?"
            ),
            None => log::warn!(target: LOG, "the worker's key cannot sign"),
        }
        self.deadline = Timestamp::from_unix_millis(0);
    }

    /// Notes what was sent.
    pub(crate) fn finish(self) {
        if self.sent > 0 {
            // Submitting has raised the nonce, in this worker's view of the state only.
            let nonce = nonce_of::<T>(&self.account);
            StorageValueRef::persistent(SENT).set(&Sent { nonce, block: self.block });
        }
    }
}

fn nonce_of<T: Config>(account: &Account<T>) -> u32 {
    frame_system::Pallet::<T>::account_nonce(&account.id).saturated_into()
}

// SPDX-License-Identifier: Apache-2.0
//! Calls on NFTs and collections.

use pallet_nft::Call;
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftId},
};

use super::{Generator, Play, MOST_COLLECTIONS, MOST_NFTS};
use crate::{
    tests::random_calls::model::{Caller, Model, Nft},
    AccountId, Address, Runtime, UNIT,
};

const KINDS: [KeyshareKind; 2] = [KeyshareKind::Secret, KeyshareKind::Capsule];

impl Generator {
    /// Mostly the owner of an NFT of which this holds, and that NFT.
    pub(super) fn owner_of_nft(
        &mut self,
        model: &Model,
        fits: impl Fn(NftId, &Nft) -> bool,
    ) -> (AccountId, NftId) {
        let fitting = model.nfts.iter().filter(|(nft_id, nft)| fits(**nft_id, nft));
        let mut chosen = self.dice.any(fitting);
        if self.dice.one_in(6) || chosen.is_none() {
            chosen = self.dice.any(&model.nfts);
        }
        match chosen {
            Some((nft_id, nft)) if !self.dice.one_in(30) => (nft.owner.clone(), *nft_id),
            _ => (self.somebody(), self.dice.below(model.next_nft + 3)),
        }
    }

    fn on_nft(&mut self, model: &Model, fits: impl Fn(NftId, &Nft) -> bool) -> (Caller, NftId) {
        let (owner, nft_id) = self.owner_of_nft(model, fits);
        (self.by(owner), nft_id)
    }

    /// Sometimes a collection, mostly one that lets the account in.
    fn collection_for(&mut self, model: &Model, who: &AccountId) -> Option<CollectionId> {
        match self.dice.below(12) {
            0 => self.dice.any(model.collections.keys().copied()),
            1 => Some(self.dice.below(model.next_collection + 2)),
            2..6 => {
                let open = model.collections.iter().filter(|(id, collection)| {
                    collection.owner == *who
                        && !collection.is_closed
                        && collection.limit.is_none_or(|limit| model.size_of(**id) < limit)
                });
                self.dice.any(open.map(|(id, _)| *id))
            }
            _ => None,
        }
    }

    fn address(&mut self) -> Address {
        if self.dice.one_in(20) {
            Address::Raw(vec![1])
        } else {
            self.somebody().into()
        }
    }

    pub(super) fn create_nft(&mut self, model: &Model) -> Play {
        if model.nfts.len() >= MOST_NFTS {
            return self.burn_nft(model);
        }
        let who = self.somebody();
        let call = Call::<Runtime>::create_nft {
            offchain_data: self.data(),
            royalty: self.royalty(),
            collection_id: self.collection_for(model, &who),
            is_soulbound: self.dice.one_in(8),
        };
        (self.by(who), call.into())
    }

    pub(super) fn create_with_content(&mut self, model: &Model) -> Play {
        if model.nfts.len() >= MOST_NFTS {
            return self.burn_nft(model);
        }
        let who = self.somebody();
        let (offchain_data, royalty) = (self.data(), self.royalty());
        let collection_id = self.collection_for(model, &who);
        let is_soulbound = self.dice.one_in(8);
        let call = if self.dice.one_in(2) {
            Call::<Runtime>::create_secret_nft {
                offchain_data,
                secret_offchain_data: self.data(),
                royalty,
                collection_id,
                is_soulbound,
            }
        } else {
            Call::create_capsule {
                offchain_data,
                capsule_offchain_data: self.data(),
                royalty,
                collection_id,
                is_soulbound,
            }
        };
        (self.by(who), call.into())
    }

    pub(super) fn burn_nft(&mut self, model: &Model) -> Play {
        let free = |nft_id: NftId, nft: &Nft| nft.delegatee.is_none() && !model.is_rented(nft_id);
        let (caller, nft_id) = self.on_nft(model, free);
        (caller, Call::<Runtime>::burn_nft { nft_id }.into())
    }

    pub(super) fn transfer_nft(&mut self, model: &Model) -> Play {
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            nft.delegatee.is_none()
                && !model.is_rented(nft_id)
                && KINDS.iter().all(|kind| !model.is_syncing(nft_id, *kind))
                && (!nft.is_soulbound || nft.owner == nft.creator)
        });
        (caller, Call::<Runtime>::transfer_nft { nft_id, recipient: self.address() }.into())
    }

    pub(super) fn delegate_nft(&mut self, model: &Model) -> Play {
        let ends = self.dice.one_in(2);
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            !model.is_rented(nft_id)
                && KINDS.iter().all(|kind| !model.is_syncing(nft_id, *kind))
                && nft.delegatee.is_some() == ends
        });
        let recipient = (!ends).then(|| self.address());
        (caller, Call::<Runtime>::delegate_nft { nft_id, recipient }.into())
    }

    pub(super) fn set_royalty(&mut self, model: &Model) -> Play {
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            nft.creator == nft.owner && nft.delegatee.is_none() && !model.is_rented(nft_id)
        });
        (caller, Call::<Runtime>::set_royalty { nft_id, royalty: self.royalty() }.into())
    }

    pub(super) fn set_mint_fee(&mut self, _: &Model) -> Play {
        let fee = if self.dice.one_in(4) { self.amount() } else { 10 * UNIT };
        let call = match self.dice.below(3) {
            0 => Call::<Runtime>::set_nft_mint_fee { fee },
            1 => Call::set_secret_nft_mint_fee { fee },
            _ => Call::set_capsule_mint_fee { fee },
        };
        (self.by_governance(), call.into())
    }

    pub(super) fn add_content(&mut self, model: &Model) -> Play {
        let kind = self.dice.any(KINDS).unwrap();
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            let content = match kind {
                KeyshareKind::Secret => &nft.secret,
                KeyshareKind::Capsule => &nft.capsule,
            };
            content.is_none()
                && nft.delegatee.is_none()
                && !model.is_rented(nft_id)
                && KINDS.iter().all(|kind| !model.is_syncing(nft_id, *kind))
        });
        let offchain_data = self.data();
        let call = match kind {
            KeyshareKind::Secret => Call::<Runtime>::add_secret { nft_id, offchain_data },
            KeyshareKind::Capsule => Call::convert_to_capsule { nft_id, offchain_data },
        };
        (caller, call.into())
    }

    pub(super) fn set_capsule_offchaindata(&mut self, model: &Model) -> Play {
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            nft.capsule.is_some() && nft.delegatee.is_none() && !model.is_rented(nft_id)
        });
        let offchain_data = self.data();
        (caller, Call::<Runtime>::set_capsule_offchaindata { nft_id, offchain_data }.into())
    }

    pub(super) fn notify_enclave_key_update(&mut self, model: &Model) -> Play {
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            nft.capsule.is_some()
                && nft.delegatee.is_none()
                && !model.is_rented(nft_id)
                && KINDS.iter().all(|kind| !model.is_syncing(nft_id, *kind))
        });
        (caller, Call::<Runtime>::notify_enclave_key_update { nft_id }.into())
    }

    pub(super) fn revert_capsule(&mut self, model: &Model) -> Play {
        let (caller, nft_id) = self.on_nft(model, |nft_id, nft| {
            nft.capsule.is_some() && nft.delegatee.is_none() && !model.is_rented(nft_id)
        });
        (caller, Call::<Runtime>::revert_capsule { nft_id }.into())
    }

    pub(super) fn restart_sync(&mut self, model: &Model) -> Play {
        let kind = self.dice.any(KINDS).unwrap();
        let (caller, nft_id) = self.on_nft(model, |nft_id, _| model.is_syncing(nft_id, kind));
        (caller, Call::<Runtime>::restart_sync { nft_id, kind }.into())
    }

    pub(super) fn cancel_sync(&mut self, model: &Model) -> Play {
        let kind = self.dice.any([KeyshareKind::Capsule; 7].into_iter().chain(KINDS)).unwrap();
        let (caller, nft_id) = self.on_nft(model, |nft_id, _| {
            model
                .keyshares
                .get(&(nft_id, kind))
                .is_some_and(|keyshare| keyshare.pending.is_some() && keyshare.synced.is_some())
        });
        (caller, Call::<Runtime>::cancel_sync { nft_id, kind }.into())
    }

    pub(super) fn add_shard(&mut self, model: &Model) -> Play {
        let nft_id = self.dice.below(model.next_nft + 3);
        let call = if self.dice.one_in(2) {
            Call::<Runtime>::add_secret_shard { nft_id }
        } else {
            Call::add_capsule_shard { nft_id }
        };
        let enclaves = model.seats().map(|(_, seat)| seat.enclave.enclave_address.clone());
        let who = self.dice.any(enclaves).unwrap_or_else(|| self.anybody());
        (self.by(who), call.into())
    }

    pub(super) fn create_collection(&mut self, model: &Model) -> Play {
        if model.collections.len() >= MOST_COLLECTIONS {
            return self.change_collection(model);
        }
        let limit = match self.dice.below(10) {
            0 => Some(0),
            1 => Some(1_000_001),
            2 => Some(1_000_000),
            3 | 4 => Some(1 + self.dice.below(3)),
            _ => None,
        };
        let call = Call::<Runtime>::create_collection { offchain_data: self.data(), limit };
        let who = self.somebody();
        (self.by(who), call.into())
    }

    pub(super) fn change_collection(&mut self, model: &Model) -> Play {
        let what = self.dice.below(10);
        let fitting = model.collections.iter().filter(|(id, collection)| match what {
            0..4 => model.size_of(**id) == 0,
            4 | 5 => !collection.is_closed && model.size_of(**id) > 0,
            6 | 7 => !collection.is_closed && collection.limit.is_none(),
            _ => !collection.is_closed,
        });
        let mut chosen = self.dice.any(fitting);
        if self.dice.one_in(6) || chosen.is_none() {
            chosen = self.dice.any(&model.collections);
        }
        let (owner, collection_id) = match chosen {
            Some((id, collection)) => (collection.owner.clone(), *id),
            None => (self.somebody(), self.dice.below(model.next_collection + 2)),
        };
        let call = match what {
            0..4 => Call::<Runtime>::burn_collection { collection_id },
            4 | 5 => Call::close_collection { collection_id },
            6 | 7 => Call::limit_collection { collection_id, limit: self.dice.below(6) },
            _ => {
                let offchain_data = self.data();
                Call::set_collection_offchaindata { collection_id, offchain_data }
            }
        };
        (self.by(owner), call.into())
    }

    pub(super) fn add_nft_to_collection(&mut self, model: &Model) -> Play {
        let (owner, nft_id) = self.owner_of_nft(model, |_, nft| {
            nft.collection.is_none()
                && model
                    .collections
                    .values()
                    .any(|collection| collection.owner == nft.owner && !collection.is_closed)
        });
        let owned = model
            .collections
            .iter()
            .filter(|(_, collection)| collection.owner == owner && !collection.is_closed);
        let collection_id = match self.dice.any(owned) {
            Some((id, _)) if !self.dice.one_in(8) => *id,
            _ => self.dice.below(model.next_collection + 2),
        };
        let call = Call::<Runtime>::add_nft_to_collection { nft_id, collection_id };
        (self.by(owner), call.into())
    }
}

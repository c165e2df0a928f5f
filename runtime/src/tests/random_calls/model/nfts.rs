// SPDX-License-Identifier: Apache-2.0
//! NFTs, their content, and collections.

use pallet_nft::{Call, CollectionOffchainDataOf, OffchainDataOf};
use sp_runtime::{MultiAddress, Permill};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftId, NftState},
};

use super::{must, Caller, Model, Outcome};
use crate::{AccountId, Address, Runtime};

const MAX_COLLECTION: u32 = 1_000_000;

#[derive(Clone)]
pub struct Nft {
    pub owner: AccountId,
    pub creator: AccountId,
    pub data: OffchainDataOf<Runtime>,
    pub collection: Option<CollectionId>,
    pub royalty: Permill,
    pub is_soulbound: bool,
    pub delegatee: Option<AccountId>,
    pub secret: Option<OffchainDataOf<Runtime>>,
    pub capsule: Option<OffchainDataOf<Runtime>>,
}

#[derive(Clone)]
pub struct Collection {
    pub owner: AccountId,
    pub data: CollectionOffchainDataOf<Runtime>,
    pub limit: Option<u32>,
    pub is_closed: bool,
}

fn account(address: &Address) -> Option<AccountId> {
    match address {
        MultiAddress::Id(account) => Some(account.clone()),
        _ => None,
    }
}

impl Model {
    pub(super) fn dispatch_nft(&mut self, caller: &Caller, call: &Call<Runtime>) -> Outcome {
        match call {
            Call::set_nft_mint_fee { fee } => {
                caller.must_govern()?;
                self.fees.nft = *fee;
                return Some(());
            }
            Call::set_secret_nft_mint_fee { fee } => {
                caller.must_govern()?;
                self.fees.secret = *fee;
                return Some(());
            }
            Call::set_capsule_mint_fee { fee } => {
                caller.must_govern()?;
                self.fees.capsule = *fee;
                return Some(());
            }
            _ => {}
        }
        let who = caller.account()?;
        match call.clone() {
            Call::create_nft { offchain_data, royalty, collection_id, is_soulbound } => {
                let nft = created(who, offchain_data, royalty, collection_id, is_soulbound);
                self.create_nft(nft)?;
            }
            Call::create_secret_nft {
                offchain_data,
                secret_offchain_data,
                royalty,
                collection_id,
                is_soulbound,
            } => {
                let nft = created(who, offchain_data, royalty, collection_id, is_soulbound);
                let nft_id = self.create_nft(nft)?;
                self.add_secret(who, nft_id, secret_offchain_data)?;
            }
            Call::create_capsule {
                offchain_data,
                capsule_offchain_data,
                royalty,
                collection_id,
                is_soulbound,
            } => {
                let nft = created(who, offchain_data, royalty, collection_id, is_soulbound);
                let nft_id = self.create_nft(nft)?;
                self.convert(who, nft_id, capsule_offchain_data)?;
            }
            Call::add_secret { nft_id, offchain_data } => {
                self.add_secret(who, nft_id, offchain_data)?;
            }
            Call::convert_to_capsule { nft_id, offchain_data } => {
                self.convert(who, nft_id, offchain_data)?;
            }
            Call::burn_nft { nft_id } => {
                self.must_own(who, nft_id)?;
                self.must_be_promised_to_nobody(nft_id)?;
                self.nfts.remove(&nft_id);
                self.keyshares.retain(|(of, _), _| *of != nft_id);
            }
            Call::transfer_nft { nft_id, recipient } => {
                let recipient = account(&recipient)?;
                self.must_own(who, nft_id)?;
                self.must_be_promised_to_nobody(nft_id)?;
                self.must_be_synced(nft_id)?;
                let nft = self.nfts.get_mut(&nft_id)?;
                must(recipient != *who && (!nft.is_soulbound || nft.creator == *who))?;
                nft.owner = recipient;
            }
            Call::delegate_nft { nft_id, recipient } => {
                let recipient = match recipient {
                    Some(address) => Some(account(&address)?),
                    None => None,
                };
                self.must_own(who, nft_id)?;
                self.must_be_synced(nft_id)?;
                must(!self.is_rented(nft_id))?;
                self.nfts.get_mut(&nft_id)?.delegatee =
                    recipient.filter(|recipient| recipient != who);
            }
            Call::set_royalty { nft_id, royalty } => {
                self.must_own(who, nft_id)?;
                self.must_be_promised_to_nobody(nft_id)?;
                let nft = self.nfts.get_mut(&nft_id)?;
                must(nft.creator == *who)?;
                nft.royalty = royalty;
            }
            Call::set_capsule_offchaindata { nft_id, offchain_data } => {
                self.must_own_capsule(who, nft_id)?;
                self.nfts.get_mut(&nft_id)?.capsule = Some(offchain_data);
            }
            Call::notify_enclave_key_update { nft_id } => {
                self.must_own_capsule(who, nft_id)?;
                self.must_be_synced(nft_id)?;
                self.start(nft_id, KeyshareKind::Capsule);
            }
            Call::revert_capsule { nft_id } => {
                self.must_own_capsule(who, nft_id)?;
                self.nfts.get_mut(&nft_id)?.capsule = None;
                self.end(nft_id, KeyshareKind::Capsule);
            }
            Call::restart_sync { nft_id, kind } => {
                self.must_own(who, nft_id)?;
                must(self.is_syncing(nft_id, kind))?;
                self.start(nft_id, kind);
            }
            Call::cancel_sync { nft_id, kind } => {
                self.must_own(who, nft_id)?;
                self.cancel(nft_id, kind)?;
            }
            Call::create_collection { offchain_data, limit } => {
                must(limit.is_none_or(|limit| (1..=MAX_COLLECTION).contains(&limit)))?;
                let data = offchain_data;
                let collection = Collection { owner: who.clone(), data, limit, is_closed: false };
                self.collections.insert(self.next_collection, collection);
                self.next_collection += 1;
            }
            Call::burn_collection { collection_id } => {
                must(self.collections.get(&collection_id)?.owner == *who)?;
                must(self.size_of(collection_id) == 0)?;
                self.collections.remove(&collection_id);
            }
            Call::close_collection { collection_id } => {
                self.open_collection(who, collection_id)?.is_closed = true;
            }
            Call::limit_collection { collection_id, limit } => {
                let size = self.size_of(collection_id);
                let collection = self.open_collection(who, collection_id)?;
                must(collection.limit.is_none())?;
                must((size.max(1)..=MAX_COLLECTION).contains(&limit))?;
                collection.limit = Some(limit);
            }
            Call::set_collection_offchaindata { collection_id, offchain_data } => {
                self.open_collection(who, collection_id)?.data = offchain_data;
            }
            Call::add_nft_to_collection { nft_id, collection_id } => {
                self.must_own(who, nft_id)?;
                must(self.nfts.get(&nft_id)?.collection.is_none())?;
                self.must_have_room(who, collection_id)?;
                self.nfts.get_mut(&nft_id)?.collection = Some(collection_id);
            }
            // A share without a commitment is confirmed by nobody.
            _ => return None,
        }
        Some(())
    }

    fn create_nft(&mut self, nft: Nft) -> Option<NftId> {
        if let Some(collection_id) = nft.collection {
            self.must_have_room(&nft.owner, collection_id)?;
        }
        self.pay_fee(&nft.owner, self.fees.nft)?;
        let nft_id = self.next_nft;
        self.nfts.insert(nft_id, nft);
        self.next_nft += 1;
        Some(nft_id)
    }

    fn add_secret(
        &mut self,
        who: &AccountId,
        nft_id: NftId,
        data: OffchainDataOf<Runtime>,
    ) -> Outcome {
        self.must_own(who, nft_id)?;
        self.must_be_promised_to_nobody(nft_id)?;
        self.must_be_synced(nft_id)?;
        self.pay_fee(who, self.fees.secret)?;
        let secret = &mut self.nfts.get_mut(&nft_id)?.secret;
        must(secret.is_none())?;
        *secret = Some(data);
        self.start(nft_id, KeyshareKind::Secret);
        Some(())
    }

    fn convert(
        &mut self,
        who: &AccountId,
        nft_id: NftId,
        data: OffchainDataOf<Runtime>,
    ) -> Outcome {
        self.must_own(who, nft_id)?;
        self.must_be_promised_to_nobody(nft_id)?;
        self.must_be_synced(nft_id)?;
        self.pay_fee(who, self.fees.capsule)?;
        let capsule = &mut self.nfts.get_mut(&nft_id)?.capsule;
        must(capsule.is_none())?;
        *capsule = Some(data);
        self.start(nft_id, KeyshareKind::Capsule);
        Some(())
    }

    fn must_own(&self, who: &AccountId, nft_id: NftId) -> Outcome {
        must(self.nfts.get(&nft_id)?.owner == *who)
    }

    fn must_own_capsule(&self, who: &AccountId, nft_id: NftId) -> Outcome {
        self.must_own(who, nft_id)?;
        self.must_be_promised_to_nobody(nft_id)?;
        must(self.nfts.get(&nft_id)?.capsule.is_some())
    }

    /// Neither a rentee nor a delegatee relies on it.
    fn must_be_promised_to_nobody(&self, nft_id: NftId) -> Outcome {
        must(!self.is_rented(nft_id) && self.nfts.get(&nft_id)?.delegatee.is_none())
    }

    pub(super) fn must_be_synced(&self, nft_id: NftId) -> Outcome {
        must(!self.is_syncing(nft_id, KeyshareKind::Secret))?;
        must(!self.is_syncing(nft_id, KeyshareKind::Capsule))
    }

    pub fn is_rented(&self, nft_id: NftId) -> bool {
        self.contracts.contains_key(&nft_id)
    }

    /// How many NFTs belong to a collection.
    pub fn size_of(&self, collection_id: CollectionId) -> u32 {
        self.nfts.values().filter(|nft| nft.collection == Some(collection_id)).count() as u32
    }

    fn open_collection(&mut self, who: &AccountId, id: CollectionId) -> Option<&mut Collection> {
        let collection = self.collections.get_mut(&id)?;
        (collection.owner == *who && !collection.is_closed).then_some(collection)
    }

    fn must_have_room(&mut self, who: &AccountId, id: CollectionId) -> Outcome {
        let size = self.size_of(id);
        let limit = self.open_collection(who, id)?.limit;
        must(size < limit.unwrap_or(MAX_COLLECTION))
    }

    /// The flags that clients read.
    pub fn flags(&self, nft_id: NftId, nft: &Nft) -> NftState {
        NftState {
            is_capsule: nft.capsule.is_some(),
            is_listed: false,
            is_secret: nft.secret.is_some(),
            is_delegated: nft.delegatee.is_some(),
            is_soulbound: nft.is_soulbound,
            is_syncing_secret: self.is_syncing(nft_id, KeyshareKind::Secret),
            is_rented: self.is_rented(nft_id),
            is_syncing_capsule: self.is_syncing(nft_id, KeyshareKind::Capsule),
            is_transmission: false,
        }
    }
}

fn created(
    creator: &AccountId,
    data: OffchainDataOf<Runtime>,
    royalty: Permill,
    collection: Option<CollectionId>,
    is_soulbound: bool,
) -> Nft {
    Nft {
        owner: creator.clone(),
        creator: creator.clone(),
        data,
        collection,
        royalty,
        is_soulbound,
        delegatee: None,
        secret: None,
        capsule: None,
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Who may store and who may retrieve, as pure functions over what the chain stores.
//!
//! Callers read the values; these functions decide. All values of one decision must come from one
//! block.

use codec::{Decode, Encode};

use crate::{
    keyshare::{KeyshareKind, KeyshareStatus, SyncedKeyshare, Version},
    nft::NftData,
};

/// In which role somebody asks for a share (TIP-500 `requester_type`).
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Role {
    /// The NFT's owner.
    #[codec(index = 0)]
    Owner,
    /// Whom the owner delegated the NFT to (TIP-103).
    #[codec(index = 1)]
    Delegatee,
    /// Who rents the NFT (TIP-400).
    #[codec(index = 2)]
    Rentee,
}

/// Why somebody may not store or retrieve. The order is the order of the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There is no such NFT.
    NoSuchNft,
    /// The NFT carries no content of this kind.
    NotOfThisKind,
    /// No version of the keyshares waits for shares.
    NotSyncing,
    /// No version of the keyshares is synced.
    NotSynced,
    /// The requester does not have the role.
    NotAuthorised,
}

/// Whether `owner` may store a share, and for which version.
pub fn store<AccountId: PartialEq, Data>(
    kind: KeyshareKind,
    nft: Option<&NftData<AccountId, Data>>,
    keyshares: &KeyshareStatus,
    owner: &AccountId,
) -> Result<Version, Refusal> {
    let nft = nft_of_kind(kind, nft)?;
    let pending = keyshares.pending.ok_or(Refusal::NotSyncing)?;
    if nft.owner != *owner {
        return Err(Refusal::NotAuthorised);
    }
    Ok(pending.version)
}

/// Who besides the owner may view an NFT's content.
#[derive(Debug, Eq, PartialEq)]
pub struct Viewers<'a, AccountId> {
    /// Whom the NFT is delegated to.
    pub delegatee: Option<&'a AccountId>,
    /// Who rents the NFT now.
    pub rentee: Option<&'a AccountId>,
}

// Derived, these would ask the same of the account: it is only pointed to.
impl<AccountId> Clone for Viewers<'_, AccountId> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<AccountId> Copy for Viewers<'_, AccountId> {}

/// Whether `requester` may retrieve a share in `role`, and of which synced version.
pub fn retrieve<'a, AccountId: PartialEq, Data>(
    kind: KeyshareKind,
    nft: Option<&NftData<AccountId, Data>>,
    viewers: &Viewers<'_, AccountId>,
    keyshares: &'a KeyshareStatus,
    requester: &AccountId,
    role: Role,
) -> Result<&'a SyncedKeyshare, Refusal> {
    let nft = nft_of_kind(kind, nft)?;
    let synced = keyshares.synced.as_ref().ok_or(Refusal::NotSynced)?;
    let holder = match role {
        Role::Owner => Some(&nft.owner),
        Role::Delegatee => viewers.delegatee,
        Role::Rentee => viewers.rentee,
    };
    if holder != Some(requester) {
        return Err(Refusal::NotAuthorised);
    }
    Ok(synced)
}

fn nft_of_kind<AccountId, Data>(
    kind: KeyshareKind,
    nft: Option<&NftData<AccountId, Data>>,
) -> Result<&NftData<AccountId, Data>, Refusal> {
    let nft = nft.ok_or(Refusal::NoSuchNft)?;
    if !nft.state.carries(kind) {
        return Err(Refusal::NotOfThisKind);
    }
    Ok(nft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keyshare::PendingKeyshare, nft::NftState};
    use sp_arithmetic::Permill;

    const OWNER: u8 = 1;
    const DELEGATEE: u8 = 2;
    const RENTEE: u8 = 3;
    const STRANGER: u8 = 4;
    const SECRET: KeyshareKind = KeyshareKind::Secret;

    fn secret_nft() -> NftData<u8, ()> {
        NftData {
            owner: OWNER,
            creator: OWNER,
            offchain_data: (),
            collection_id: None,
            royalty: Permill::zero(),
            state: NftState { is_secret: true, ..Default::default() },
        }
    }

    fn pending() -> KeyshareStatus {
        KeyshareStatus { synced: None, pending: Some(PendingKeyshare { version: 1, since: 1 }) }
    }

    fn synced() -> KeyshareStatus {
        KeyshareStatus {
            synced: Some(SyncedKeyshare {
                version: 1,
                cluster_id: 0,
                block_number: 9,
                commitments: [[0; 32]; 5],
            }),
            pending: None,
        }
    }

    fn retrieve_as(role: Role, requester: u8, status: &KeyshareStatus) -> Result<Version, Refusal> {
        let viewers = Viewers { delegatee: Some(&DELEGATEE), rentee: Some(&RENTEE) };
        retrieve(SECRET, Some(&secret_nft()), &viewers, status, &requester, role)
            .map(|synced| synced.version)
    }

    #[test]
    fn only_the_owner_stores_and_only_while_a_version_is_pending() {
        let nft = secret_nft();
        assert_eq!(store(SECRET, Some(&nft), &pending(), &OWNER), Ok(1));
        assert_eq!(store(SECRET, Some(&nft), &pending(), &STRANGER), Err(Refusal::NotAuthorised));
        assert_eq!(store(SECRET, Some(&nft), &synced(), &OWNER), Err(Refusal::NotSyncing));
        assert_eq!(
            store(KeyshareKind::Capsule, Some(&nft), &pending(), &OWNER),
            Err(Refusal::NotOfThisKind)
        );
        assert_eq!(store::<u8, ()>(SECRET, None, &pending(), &OWNER), Err(Refusal::NoSuchNft));
    }

    #[test]
    fn each_role_retrieves_only_for_its_holder() {
        for (role, holder) in
            [(Role::Owner, OWNER), (Role::Delegatee, DELEGATEE), (Role::Rentee, RENTEE)]
        {
            for requester in [OWNER, DELEGATEE, RENTEE, STRANGER] {
                let expected =
                    if requester == holder { Ok(1) } else { Err(Refusal::NotAuthorised) };
                assert_eq!(retrieve_as(role, requester, &synced()), expected);
            }
        }
    }

    #[test]
    fn nobody_retrieves_before_the_first_sync() {
        assert_eq!(retrieve_as(Role::Owner, OWNER, &pending()), Err(Refusal::NotSynced));
    }

    #[test]
    fn a_synced_version_is_served_while_a_newer_one_is_pending() {
        let both =
            KeyshareStatus { pending: Some(PendingKeyshare { version: 2, since: 10 }), ..synced() };
        assert_eq!(retrieve_as(Role::Owner, OWNER, &both), Ok(1));
        assert_eq!(store(SECRET, Some(&secret_nft()), &both, &OWNER), Ok(2));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Rental contracts (TIP-400), for a fixed time and paid in tokens.
//!
//! TIP-400 also knows subscriptions, and NFTs as fees. Their variants are left out; those that are
//! there keep their index.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::BlockNumber;

/// How long a contract runs.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub enum Duration {
    /// This many blocks from its start.
    #[codec(index = 0)]
    Fixed(BlockNumber),
}

/// Who may rent, and who starts the contract.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub enum AcceptanceType<Accounts> {
    /// The first of these accounts that rents; anyone if `None`.
    #[codec(index = 0)]
    AutoAcceptance(Option<Accounts>),
    /// Whichever of these accounts' offers the renter accepts; anyone's if `None`.
    #[codec(index = 1)]
    ManualAcceptance(Option<Accounts>),
}

/// What the rentee pays at the start.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub enum RentFee<Balance> {
    /// An amount of the chain's currency.
    #[codec(index = 0)]
    Tokens(Balance),
}

/// What ending a running contract early costs whoever does it. The other side gets it.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub enum CancellationFee<Balance> {
    /// This amount.
    #[codec(index = 0)]
    FixedTokens(Balance),
    /// The part of this amount that the remaining blocks are of the contract's duration.
    #[codec(index = 1)]
    FlexibleTokens(Balance),
    /// Nothing.
    #[codec(index = 3)]
    None,
}

/// A rental contract. The names and the order of the fields are those that published clients read.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct RentContractData<AccountId, Balance, Accounts> {
    /// The block in which it started; `None` while it waits for a rentee.
    pub start_block: Option<BlockNumber>,
    /// Who owns the NFT and rents it out.
    pub renter: AccountId,
    /// Who rents the NFT; `None` before the start.
    pub rentee: Option<AccountId>,
    /// How long it runs.
    pub duration: Duration,
    /// Who may rent, and who starts it.
    pub acceptance_type: AcceptanceType<Accounts>,
    /// Whether the renter may end it early.
    pub renter_can_revoke: bool,
    /// What the rentee pays at the start.
    pub rent_fee: RentFee<Balance>,
    /// What ending it early costs the renter.
    pub renter_cancellation_fee: CancellationFee<Balance>,
    /// What ending it early costs the rentee.
    pub rentee_cancellation_fee: CancellationFee<Balance>,
    /// The block in which it was created, which also names it among an NFT's contracts.
    pub creation_block: BlockNumber,
}

impl<AccountId, Balance, Accounts> RentContractData<AccountId, Balance, Accounts> {
    /// The first block in which it no longer runs; `None` before it started.
    pub fn end_block(&self) -> Option<BlockNumber> {
        let Duration::Fixed(blocks) = self.duration;
        self.start_block.map(|start| start.saturating_add(blocks))
    }

    /// Who rents the NFT in block `now`. The block number decides: a contract that has ended gives
    /// no right even before the chain has cleared it away.
    pub fn active_rentee(&self, now: BlockNumber) -> Option<&AccountId> {
        let end = self.end_block()?;
        if now < end {
            self.rentee.as_ref()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rentee_is_one_from_the_start_to_the_block_before_the_end() {
        let waiting = RentContractData::<u8, u8, ()> {
            start_block: None,
            renter: 1,
            rentee: None,
            duration: Duration::Fixed(10),
            acceptance_type: AcceptanceType::AutoAcceptance(None),
            renter_can_revoke: false,
            rent_fee: RentFee::Tokens(1),
            renter_cancellation_fee: CancellationFee::None,
            rentee_cancellation_fee: CancellationFee::None,
            creation_block: 3,
        };
        assert_eq!(waiting.end_block(), None);
        assert_eq!(waiting.active_rentee(5), None);
        let running = RentContractData { start_block: Some(5), rentee: Some(2), ..waiting };
        assert_eq!(running.end_block(), Some(15));
        assert_eq!([5, 14, 15].map(|now| running.active_rentee(now)), [Some(&2), Some(&2), None]);
    }
}

// SPDX-License-Identifier: Apache-2.0
mod capsules;
mod collections;
mod delegation;
mod fees;
mod nfts;
mod rentals;
mod secrets;
mod sync;
mod try_state;

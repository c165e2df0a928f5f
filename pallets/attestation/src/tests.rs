// SPDX-License-Identifier: Apache-2.0
//! Tests, by theme.

mod attesting;
mod collateral;
mod governance;
mod offchain;
mod try_state;
mod views;

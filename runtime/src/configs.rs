// SPDX-License-Identifier: Apache-2.0
//! How each pallet is configured, by theme.

pub mod attestation;
pub mod consensus;
pub mod governance;
pub mod money;
pub mod system;
pub mod tee;

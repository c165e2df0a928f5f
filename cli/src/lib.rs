// SPDX-License-Identifier: Apache-2.0
//! The command line `tee` and what it is made of.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | the command line |
//! | [`devnet`] | a network on this machine, as child processes; end-to-end tests use it too |
//! | [`demo`] | `tee demo` |
//! | [`wallet_cmd`] | `tee wallet` |
//! | [`status`] | `tee status` |
//! | [`committee`] | motions |
//! | [`operator`] | registration |
//! | [`keys`] | where signing keys come from |
//! | [`process`] | child processes |
//! | [`report`] | progress for people |

pub mod app;
pub mod committee;
pub mod demo;
pub mod devnet;
pub mod keys;
pub mod operator;
pub mod process;
pub mod report;
pub mod status;
pub mod wallet_cmd;

// SPDX-License-Identifier: Apache-2.0
mod assignment;
mod clusters;
mod confirmations;
mod flaws;
mod governance;
mod keyshares;
mod metrics_servers;
mod operators;
mod platforms;
mod stakes;
mod succession;
mod sweep;
mod sync_log;
mod try_state;
mod views;

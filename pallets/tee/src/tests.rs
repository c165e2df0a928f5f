// SPDX-License-Identifier: Apache-2.0
mod confirmations;
mod operators;
mod sweep;
mod sync_log;
mod try_state;
mod views;

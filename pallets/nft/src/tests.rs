// SPDX-License-Identifier: Apache-2.0
mod nfts;
mod secrets;
mod try_state;

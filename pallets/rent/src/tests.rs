// SPDX-License-Identifier: Apache-2.0
mod creating;
mod ending;
mod money;
mod offers;
mod renting;
mod revoking;
mod try_state;
mod views;

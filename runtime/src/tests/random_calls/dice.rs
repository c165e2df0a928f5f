// SPDX-License-Identifier: Apache-2.0
//! Chance that can be repeated: all of it follows from a seed.

use rand::{
    rngs::StdRng,
    seq::{IndexedRandom, IteratorRandom},
    Rng, SeedableRng,
};

pub struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number less than `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0.random_range(0..end)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of the items, if there are any.
    pub fn any<T>(&mut self, items: impl IntoIterator<Item = T>) -> Option<T> {
        items.into_iter().choose(&mut self.0)
    }

    /// One of the items, each as often as its number says.
    pub fn weighted<T: Copy>(&mut self, items: &[(u32, T)]) -> T {
        items.choose_weighted(&mut self.0, |(often, _)| *often).unwrap().1
    }
}

// SPDX-License-Identifier: Apache-2.0
//! How many signatures are verified at once.
//!
//! A batch with a bad signature in it is verified in vain, about six tenths of what its signatures
//! cost one by one. Who sends bad signatures must not choose that everybody pays this every time. So
//! a failure halves the size, and one more is tried only after a run of good ones: however bad and
//! good ones are mixed, failures cost less than a tenth of what they are among. While many are bad,
//! signatures are verified one by one.

/// Signatures that are verified at once: more cost hardly less each, and take their thread longer.
pub(super) const MAX_BATCH: usize = 16;

/// Good signatures in a row after which batches take one more.
const RUN: usize = 16;

/// The size of the next batch.
#[derive(Debug)]
pub(super) struct BatchSize {
    size: usize,
    /// Good signatures since the last bad one or the last change.
    run: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { size: MAX_BATCH, run: 0 }
    }
}

impl BatchSize {
    /// From 1 to [`MAX_BATCH`].
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// A batch of so many has been verified.
    pub(super) fn was(&mut self, count: usize, are_good: bool) {
        if !are_good {
            self.run = 0;
            // One for itself was not in vain. Threads that verify at the same time halve once.
            if count > 1 {
                self.size = self.size.min((count / 2).max(1));
            }
            return;
        }
        self.run = self.run.saturating_add(count);
        if self.run >= RUN {
            self.run = 0;
            self.size = (self.size + 1).min(MAX_BATCH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In thousandths of verifying one for itself.
    const SINGLE: usize = 1000;
    const IN_BATCH: usize = 600;

    /// What a stream of signatures costs that is verified as fast as it comes; `is_bad` tells of
    /// each, also by the size of the batch that it is in.
    fn cost(count: usize, mut is_bad: impl FnMut(usize, usize) -> bool) -> usize {
        let (mut size, mut cost, mut at) = (BatchSize::default(), 0, 0);
        while at < count {
            let batch = size.size();
            assert!((1..=MAX_BATCH).contains(&batch));
            let are_good = !(at..at + batch)
                .map(|index| is_bad(index, batch))
                .fold(false, |any, bad| any | bad);
            cost += match (batch, are_good) {
                (1, _) => SINGLE,
                (_, true) => batch * IN_BATCH,
                (_, false) => batch * (IN_BATCH + SINGLE),
            };
            size.was(batch, are_good);
            at += batch;
        }
        cost
    }

    #[test]
    fn good_signatures_keep_the_benefit_of_batches() {
        assert_eq!(cost(16_000, |_, _| false), 16_000 * IN_BATCH);
    }

    #[test]
    fn a_flood_of_bad_ones_is_verified_one_by_one() {
        let all_bad = cost(100_000, |_, _| true);
        assert!(all_bad < 100_000 * SINGLE + 30 * SINGLE, "{all_bad}");
    }

    /// However often one is bad, also if they come just when batches have become so large.
    #[test]
    fn bad_ones_among_good_ones_cost_less_than_a_tenth_more() {
        const COUNT: usize = 100_000;
        let most = COUNT * SINGLE * 11 / 10;
        for every in 1..400 {
            let cost = cost(COUNT, |index, _| index % every == 0);
            assert!(cost < most, "every {every}: {cost}");
        }
        for least in 2..=MAX_BATCH {
            let cost = cost(COUNT, |_, batch| batch >= least);
            assert!(cost < most, "in batches of {least}: {cost}");
        }
    }

    #[test]
    fn batches_become_large_again_when_the_flood_is_over() {
        let mut size = BatchSize::default();
        for _ in 0..10 {
            size.was(size.size(), false);
        }
        assert_eq!(size.size(), 1);
        let mut good = 0;
        while size.size() < MAX_BATCH {
            good += size.size();
            size.was(size.size(), true);
        }
        assert!(good < 2 * RUN * MAX_BATCH, "{good}");
    }
}

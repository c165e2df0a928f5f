// SPDX-License-Identifier: Apache-2.0
//! Telling people how far a command has come.

use std::{future::Future, io::Write, time::Duration};

use tokio::time::{interval_at, Instant};

const EVERY: Duration = Duration::from_secs(5);

/// Prints progress, or nothing.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    shown: bool,
}

impl Report {
    /// Prints to standard output.
    pub fn terminal() -> Self {
        Self { shown: true }
    }

    /// Prints nothing.
    pub fn quiet() -> Self {
        Self { shown: false }
    }

    /// A line of its own.
    pub fn line(&self, text: impl std::fmt::Display) {
        if self.shown {
            // Whoever reads may have gone: that does not stop the work.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// Something within a step.
    pub fn note(&self, text: impl std::fmt::Display) {
        self.line(format_args!("      {text}"));
    }

    /// Waits for `work` and says every few seconds that it still waits, and for what.
    pub async fn waiting<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let mut ticks = interval_at(begun + EVERY, EVERY);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    self.note(format_args!("… {what} ({} s)", begun.elapsed().as_secs()));
                }
            }
        }
    }
}

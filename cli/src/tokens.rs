// SPDX-License-Identifier: Apache-2.0
//! Amounts of money, for people: in tokens, with up to 18 decimals.

use std::{fmt, str::FromStr};

use anyhow::Context;

/// The smallest unit is 10⁻¹⁸ of a token.
pub const UNIT: u128 = 1_000_000_000_000_000_000;

const DECIMALS: usize = 18;

/// An amount in the smallest unit, written and read in tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tokens(pub u128);

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / UNIT, self.0 % UNIT);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:0DECIMALS$}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

impl FromStr for Tokens {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| {
            let are = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            are.then(|| text.parse::<u128>().ok()).flatten()
        };
        let amount = || {
            let whole = digits(whole)?.checked_mul(UNIT)?;
            // More decimals than there are cannot be kept.
            let missing = DECIMALS.checked_sub(part.len())?;
            let part = digits(part)? * 10u128.pow(u32::try_from(missing).ok()?);
            whole.checked_add(part)
        };
        amount().map(Self).with_context(|| {
            format!("{text} is not an amount of tokens, for example 250000 or 0.5")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        for (text, amount) in [
            ("0", 0),
            ("1", UNIT),
            ("250000", 250_000 * UNIT),
            ("0.5", UNIT / 2),
            ("12.000000000000000001", 12 * UNIT + 1),
            ("340282366920938463463.374607431768211455", u128::MAX),
        ] {
            assert_eq!(text.parse::<Tokens>().unwrap(), Tokens(amount), "{text}");
            assert_eq!(Tokens(amount).to_string(), text);
        }
        assert_eq!("1.50".parse::<Tokens>().unwrap().to_string(), "1.5");
    }

    #[test]
    fn what_is_no_amount_is_named() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0.0000000000000000001", "1 2", "1.2.3"]
        {
            let error = text.parse::<Tokens>().unwrap_err().to_string();
            assert!(error.contains("is not an amount"), "{text}: {error}");
        }
        let above = "340282366920938463463.374607431768211456";
        assert!(above.parse::<Tokens>().is_err());
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The attackers of the load tests, in a process of their own: their work is not to be taken for the
//! enclave's, and it runs at the lowest priority. It is given a plan in JSON, and prints what it
//! sent and what was answered.

use anyhow::Context;
use tee_tests::hostile::{attacks, Plan};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let plan = std::env::args().nth(1).context("a plan in JSON is to be given")?;
    let plan: Plan = serde_json::from_str(&plan).context("the plan cannot be read")?;
    println!("{}", serde_json::to_string(&attacks::make(plan).await?)?);
    Ok(())
}

// SPDX-License-Identifier: Apache-2.0
// Connecting, and reading blocks, balances and fees.

import assert from "node:assert/strict"

import ternoa from "ternoa-js"

import { step, until } from "../harness.js"

export async function chain(endpoint) {
  await step("connects", async () => {
    await ternoa.initializeApi(endpoint)
    assert.equal(ternoa.isApiConnected(), true)
    assert.equal(ternoa.getApiEndpoint(), endpoint)
  })

  await step("knows the token's decimals and the format of addresses", async () => {
    const { registry } = ternoa.getRawApi()
    assert.deepEqual(registry.chainDecimals, [18])
    assert.equal(registry.chainSS58, 42)
  })

  await step("reads the last finalized block", () =>
    until(async () => (await ternoa.getLastBlock()) >= 1),
  )

  await step("reads the fees", async () => {
    const fees = [
      [ternoa.getNftMintFee, "initialMintFee"],
      [ternoa.getSecretNftMintFee, "initialSecretMintFee"],
      [ternoa.getCapsuleMintFee, "initialCapsuleMintFee"],
    ]
    for (const [read, constant] of fees) {
      const fee = await read()
      assert.ok(fee.gtn(0), constant)
      assert.equal(fee.toString(), ternoa.consts("nft", constant).toString())
    }
  })
}

// SPDX-License-Identifier: Apache-2.0
// The published ternoa-js, unmodified, against a development network with cluster 0 in service.
//
//   TERNOA_ENDPOINT=ws://127.0.0.1:9944 npm test

import ternoa from "ternoa-js"

import { step } from "./harness.js"
import { capsules } from "./steps/capsules.js"
import { chain } from "./steps/chain.js"
import { clusters } from "./steps/clusters.js"
import { collections } from "./steps/collections.js"
import { nfts } from "./steps/nfts.js"
import { rentals } from "./steps/rentals.js"
import { secrets } from "./steps/secrets.js"

const endpoint = process.env.TERNOA_ENDPOINT
if (!endpoint) {
  console.error("TERNOA_ENDPOINT is not set: the WebSocket address of a node")
  process.exit(1)
}

await chain(endpoint)
const [owner, other] = await Promise.all(
  ["//Dave", "//Eve"].map((seed) => ternoa.getKeyringFromSeed(seed)),
)
await clusters()
await nfts(owner, other)
await secrets(owner, other)
await capsules(owner)
await collections(owner)
await rentals(owner, other)
await step("disconnects", () => ternoa.safeDisconnect())
process.exit(0)

// SPDX-License-Identifier: Apache-2.0
// The published ternoa-js, unmodified, stores and retrieves keys over HTTPS: against a development
// network whose enclaves speak TLS.
//
//   TERNOA_ENDPOINT=ws://127.0.0.1:9944 NODE_EXTRA_CA_CERTS=…/tls/ca.pem node tls.js

import ternoa from "ternoa-js"

import { step } from "./harness.js"
import { startIpfs } from "./ipfs.js"
import { chain } from "./steps/chain.js"
import { clusters } from "./steps/clusters.js"
import { shares } from "./steps/shares.js"

const endpoint = process.env.TERNOA_ENDPOINT
if (!endpoint || !process.env.NODE_EXTRA_CA_CERTS) {
  console.error("TERNOA_ENDPOINT and NODE_EXTRA_CA_CERTS are to be set: a node, and an authority")
  process.exit(1)
}

await chain(endpoint)
const [owner, other] = await Promise.all(
  ["//Dave", "//Eve"].map((seed) => ternoa.getKeyringFromSeed(seed)),
)
await clusters()
await shares(await startIpfs(), owner, other)
await step("disconnects", () => ternoa.safeDisconnect())
process.exit(0)

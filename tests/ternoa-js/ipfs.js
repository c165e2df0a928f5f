// SPDX-License-Identifier: Apache-2.0
// As much of IPFS as the SDK needs to keep media and read it again: the product has no part in it.

import { createHash } from "node:crypto"
import { createServer } from "node:http"

import ternoa from "ternoa-js"

/** The SDK's client of a server in this process. */
export async function startIpfs() {
  const files = new Map()
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method === "POST" && request.url === "/api/v0/add") {
      const file = theFile(request.headers["content-type"], Buffer.concat(chunks))
      const hash = createHash("sha256").update(file).digest("hex")
      files.set(hash, file)
      response.setHeader("content-type", "application/json")
      response.end(JSON.stringify({ Hash: hash, Size: String(file.length), Name: "file" }))
      return
    }
    const file = files.get(request.url.replace("/ipfs/", ""))
    response.statusCode = file ? 200 : 404
    response.end(file)
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  server.unref()
  return new ternoa.TernoaIPFS(new URL(`http://127.0.0.1:${server.address().port}`))
}

/** The content of a form's only part. */
function theFile(contentType, body) {
  const boundary = /boundary="?([^";]+)/.exec(contentType)[1]
  const begin = body.indexOf("\r\n\r\n") + 4
  return body.subarray(begin, body.indexOf(`\r\n--${boundary}`, begin))
}

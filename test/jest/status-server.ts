import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { statusReader } from '../../cli/status.ts'
import { findTarget } from '../../cli/target.ts'

/** Environment variable with the URL of the status server. */
export const STATUS_URL = 'MILLRACE_TEST_STATUS_URL'

/**
 * Serves the status of the local cloud, as `millrace status` prints it, one request at a time. A process for each status would read the
 * stream and the archive of all earlier tests again.
 */
export async function serveStatus(): Promise<void> {
  const read = await statusReader(await findTarget(undefined))
  const server = createServer(async (_request, response) => {
    const answer = await read().catch(error => ({ error: String(error) }))
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // It ends with the process of jest.
  server.unref()
  process.env[STATUS_URL] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

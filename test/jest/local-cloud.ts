import { localCloud, parts } from '../../localstack/parts.ts'
import { up } from '../../localstack/up.ts'

/** Tells the teardown that the tests started the cloud themselves. */
export const STARTED = 'MILLRACE_STARTED_BY_TESTS'

/** Before the tests that need it: brings the local cloud up, as far as it is not. */
export default async function startLocalCloud(): Promise<void> {
  const local = localCloud()
  const ran = parts.every(({ pid }) => pid(local) !== undefined)
  await up(local)
  if (!ran) process.env[STARTED] = 'yes'
}

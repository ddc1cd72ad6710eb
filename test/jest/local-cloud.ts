import { excludeLoopbackFromProxy } from '../../localstack/loopback.ts'
import { localCloud, parts } from '../../localstack/parts.ts'
import { up } from '../../localstack/up.ts'
import { startRecording, stopRecording } from '../rights/recording.ts'
import { serveStatus } from './status-server.ts'

/** Environment variable that is set if the tests started the local cloud. */
export const STARTED = 'MILLRACE_STARTED_BY_TESTS'

/** Starts the parts of the local cloud that do not run yet, and the status server. Records the calls of the functions. */
export default async function startLocalCloud(): Promise<void> {
  excludeLoopbackFromProxy(process.env)
  const local = localCloud()
  const alreadyRunning = parts.every(({ pid }) => pid(local) !== undefined)
  stopRecording(local)
  startRecording(local)
  await up(local)
  startRecording(local) // again: after an unclean end, `up` moves the folders away
  if (!alreadyRunning) process.env[STARTED] = 'yes'
  await serveStatus()
}

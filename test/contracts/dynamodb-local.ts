import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cacheFolder, installOnce, run } from '../../localstack/cache.ts'
import type { CloudAccess } from '../../localstack/credentials.ts'
import { launch, stop, waitUntil } from '../../localstack/processes.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'

const VERSION = '3.3.1'
const FETCH = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const START_MS = 60_000

/** Whether this machine can fetch and run DynamoDB Local. It needs Maven and JDK 17 or newer. */
export const canRunDynamoDbLocal = async (): Promise<boolean> =>
  (await run('mvn', ['--version'])).code === 0 && (await run('javac', ['--version'])).code === 0

const fetchJars = (): Promise<string> =>
  installOnce(
    path.join(cacheFolder(), `dynamodb-local-${VERSION}`),
    () => {},
    async scratch => {
      const pom = path.join(import.meta.dirname, 'dynamodb-local.xml')
      const { code, output } = await run('mvn', ['-B', '-q', '-f', pom, FETCH, `-DoutputDirectory=${scratch}`])
      if (code !== 0) throw new Error(`Maven cannot fetch DynamoDB Local ${VERSION}: ${output.trim().split('\n').at(-1)}`)
      return scratch
    },
  )

export interface Running extends CloudAccess {
  close(): Promise<void>
}

/** Fetches DynamoDB Local once and runs it in memory on a free loopback port until `close`. */
export async function startDynamoDbLocal(): Promise<Running> {
  const jars = await fetchJars()
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-dynamodb-'))
  const pidFile = path.join(folder, 'pid')
  const port = await freePort()
  const main = path.join(import.meta.dirname, 'OnLoopback.java')
  const args = ['-cp', `${jars}/*`, main, '-inMemory', '-disableTelemetry', '-port', String(port)]
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  await launch({ command: 'java', args, env, cwd: folder, log: path.join(folder, 'log'), pidFile })
  const endpoint = `http://127.0.0.1:${port}`
  const close = async (): Promise<void> => {
    await stop(pidFile, 5_000)
    rmSync(folder, { recursive: true, force: true })
  }
  const isUp = () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    )
  if (await waitUntil(isUp, START_MS)) return { endpoint, credentials: { accessKeyId: 'any', secretAccessKey: 'any' }, close }
  await close()
  throw new Error(`DynamoDB Local did not start within ${START_MS / 1000} s.`)
}

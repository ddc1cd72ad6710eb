import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { type LocalCloud, localCloud, parts } from '../localstack/parts.ts'
import { down, up } from '../localstack/up.ts'
import type { LocalOutputs } from '../shared/outputs.ts'

const WATCH_MS = 1_000

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start the local cloud and deploy the stack to it')
    .option('--detach', 'return when everything runs; `millrace down` stops it')
    .option('--cloud <url>', 'use a LocalStack-compatible cloud that runs already')
    .action(async ({ detach, cloud }: { detach?: true; cloud?: string }) => {
      const local = localCloud()
      const outputs = await up(local, cloud)
      console.log(summary(outputs))
      if (detach) return
      console.log('Ctrl-C stops it.')
      await watchUntilInterrupted(local)
    })
}

const summary = ({ apiUrl, consoleUrl, opensearchUrl }: LocalOutputs): string =>
  `The local cloud runs. API ${apiUrl}, console ${consoleUrl}, OpenSearch ${opensearchUrl}; keys in .millrace/outputs.json.`

/** Says which part ends or comes back, until Ctrl-C; then stops everything. */
export async function watchUntilInterrupted(local: LocalCloud): Promise<void> {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())
  const watched = parts.filter(({ pid }) => pid(local) !== undefined)
  let missing = new Set<string>()
  while (!interrupted.signal.aborted) {
    const gone = watched.filter(({ pid }) => pid(local) === undefined)
    for (const { name, log } of gone)
      if (!missing.has(name))
        console.error(`${name} has ended by itself, see ${log(local)}; \`npx millrace up\` starts it again.`)
    missing = new Set(gone.map(({ name }) => name))
    await delay(WATCH_MS, undefined, { signal: interrupted.signal }).catch(() => undefined)
  }
  console.log('Stopping…')
  for (const line of await down(local)) console.log(line)
}

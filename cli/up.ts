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
    .option('--detach', 'return as soon as everything runs; stop it with `npx millrace down`')
    .option('--cloud <url>', 'use the LocalStack-compatible cloud at this URL instead of starting one')
    .action(async ({ detach, cloud }: { detach?: true; cloud?: string }) => {
      const local = localCloud()
      const outputs = await up(local, cloud)
      console.log(summary(outputs))
      if (detach) return
      console.log('Press Ctrl-C to stop it.')
      await watchUntilInterrupted(local)
    })
}

const summary = ({ apiUrl, consoleUrl, opensearchUrl }: LocalOutputs): string =>
  `The local cloud is running. API ${apiUrl}, console ${consoleUrl}, OpenSearch ${opensearchUrl}; keys in .millrace/outputs.json.`

/** Reports each part that ends, until Ctrl-C. Then stops everything. */
export async function watchUntilInterrupted(local: LocalCloud): Promise<void> {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())
  const watched = parts.filter(({ pid }) => pid(local) !== undefined)
  let reported = new Set<string>()
  while (!interrupted.signal.aborted) {
    const ended = watched.filter(({ pid }) => pid(local) === undefined)
    for (const { name, log } of ended)
      if (!reported.has(name))
        console.error(`${name} ended unexpectedly, see ${log(local)}. Start it again with \`npx millrace up\`.`)
    reported = new Set(ended.map(({ name }) => name))
    await delay(WATCH_MS, undefined, { signal: interrupted.signal }).catch(() => undefined)
  }
  console.log('Stopping…')
  for (const line of await down(local)) console.log(line)
}

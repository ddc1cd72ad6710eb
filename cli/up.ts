import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { codesFolder } from '../localstack/api.ts'
import { createCode } from '../localstack/cloud/console-code.ts'
import { failuresOf, type LocalCloud, localCloud } from '../localstack/parts.ts'
import { down, endedLine, up } from '../localstack/up.ts'
import { consoleLink } from '../shared/console-link.ts'
import { LOCAL_OUTPUTS, type LocalOutputs, outputsWithoutKeys } from '../shared/outputs.ts'
import { printJson } from './options.ts'
import { onEndSignal } from './signals.ts'

const WATCH_MS = 1_000

interface UpCommandOptions {
  readonly detach?: true
  readonly cloud?: string
  readonly json?: true
}

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start the local cloud and deploy the stack to it')
    .option('--detach', 'return as soon as everything runs; stop it with `npx millrace down`')
    .option('--cloud <url>', 'use the emulator at this URL of 127.0.0.1, localhost or [::1] instead of starting one')
    .option('--json', 'print the outputs as one JSON value, without keys (.millrace/outputs.json has them)')
    .action(async ({ detach, cloud, json }: UpCommandOptions) => {
      const local = localCloud()
      const stopListening = stopWhenInterrupted(local)
      const outputs = await up(local, { elsewhere: cloud, json })
      if (json) printJson(outputsWithoutKeys(outputs))
      else console.log(summary(local, outputs))
      if (detach) return stopListening()
      const say = json ? console.error : console.log
      say('Press Ctrl-C to stop it.')
      await watchUntilInterrupted(local, say, stopListening)
    })
}

const summary = (local: LocalCloud, outputs: LocalOutputs): string =>
  `The local cloud is running. API ${outputs.apiUrl}, OpenSearch ${outputs.opensearchUrl}.\n${consoleLine(local, outputs)}`

export const RESTART = 'Start it again with `npx millrace up`.'

/** The console, with a new code: it opens the console once, and is no key. */
export const consoleLine = ({ api }: LocalCloud, { consoleUrl }: LocalOutputs): string =>
  `Console: ${consoleLink(consoleUrl, createCode(codesFolder(api)))} (works once, within an hour; the keys are in ${LOCAL_OUTPUTS})`

/** Ctrl-C stops the local cloud and ends the command, until the returned function is called. A second one ends it at once. */
export function stopWhenInterrupted(local: LocalCloud): () => void {
  const stopListening = onEndSignal(code => {
    stopListening()
    void down(local).finally(() => process.exit(code))
  })
  return stopListening
}

/**
 * Reports each part that ends, until Ctrl-C. Then stops everything; a second Ctrl-C ends the command at once. Calls `listening` when it
 * hears Ctrl-C.
 */
export async function watchUntilInterrupted(
  local: LocalCloud,
  say: (line: string) => void,
  listening: () => void,
): Promise<void> {
  const interrupted = new AbortController()
  const stopListening = onEndSignal(() => {
    stopListening()
    interrupted.abort()
  })
  listening()
  let reported: string[] = []
  while (!interrupted.signal.aborted) {
    const failures = failuresOf(local)
    for (const failure of failures) if (!reported.includes(failure)) console.error(`${failure} ${RESTART}`)
    reported = failures
    await delay(WATCH_MS, undefined, { signal: interrupted.signal }).catch(() => undefined)
  }
  say('Stopping…')
  for (const part of await down(local)) say(endedLine(part))
}

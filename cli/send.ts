import { realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { eventTypes } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, positiveNumber, printJson, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { eventsApi, type Runtime } from './sending/api.ts'
import { batchSize, cutBatches } from './sending/batches.ts'
import { type HashedElement, hashed } from './sending/chain.ts'
import { type Checkpoint, checkpointFile } from './sending/checkpoint.ts'
import { readDecoded } from './sending/decode.ts'
import { deliver, nothing, type Totals } from './sending/deliver.ts'
import { readElements } from './sending/elements.ts'
import { identify } from './sending/identify.ts'
import { inspect } from './sending/inspect.ts'
import { millisecondsFinder } from './sending/milliseconds.ts'
import { formatRejected } from './sending/rejected-rows.ts'
import { spooled } from './sending/spool.ts'
import { findTarget, type Target } from './target.ts'
import { visible } from './visible.ts'

/** The system's clock and randomness. */
export const realRuntime: Runtime = { now: Date.now, sleep: milliseconds => sleep(milliseconds), random: Math.random }

const PROGRESS_FOLDER = '.millrace/send'
const STDIN = '-'
const DEFAULT_ID_FIELD = 'event_id'
const ENVELOPE_ID_FIELD = 'id'

interface SendOptions extends CommonOptions {
  readonly type?: string
  readonly rate?: number
}

interface Job {
  /** The file to read. */
  readonly file: string
  /** What the user calls it. */
  readonly name: string
  /** The type of the rows; undefined for envelopes, which name their type. */
  readonly type: string | undefined
  readonly target: Target
  readonly rate: number | undefined
}

export function sendCommand(program: Command): void {
  withCommonOptions(program.command('send'))
    .description('send the rows of a file of any size: JSON lines, one JSON array, or consecutive JSON objects')
    .argument(
      '<file>',
      'the file to send, also gzipped, or - for standard input; rows without an id get one from the content, so it is safe to send the file again',
    )
    .option(
      '--type <event-type>',
      'the event type of the rows; without it, each row is an envelope: {"type", "id", "subject", "time", "data"}',
    )
    .option('--rate <events>', 'send at most this many events per second', positiveNumber)
    .action(async (name: string, options: SendOptions) => {
      const { type, stage, rate } = options
      const target = await findTarget(stage)
      const send = (file: string) => sendFile({ file, name, type, target, rate })
      report(name, name === STDIN ? await spooled(process.stdin, send) : await send(name), options)
    })
}

interface Sent extends Totals {
  /** What looks wrong in rows that were accepted. */
  readonly hints: readonly string[]
}

const whereTheyAre = (stage: string | undefined): string =>
  `\`npx millrace quarantine list${stage === undefined ? '' : ` --stage ${stage}`}\` lists the quarantined rows with their reasons. Send them again after a fix.`

/** Prints the totals and the rejections. Throws a UserError if every row was rejected. */
function report(name: string, { lines, accepted, quarantined, rejected, hints }: Sent, { stage, json }: CommonOptions): void {
  const table = formatRejected(rejected)
  if (json) printJson({ lines, accepted, quarantined })
  else console.log(`${lines} lines: ${accepted} accepted, ${quarantined} quarantined.`)
  if (table !== '') (json ? console.error : console.log)(table)
  if (quarantined > 0) console.error(visible(whereTheyAre(stage)))
  for (const hint of hints) console.error(visible(hint))
  if (lines > 0 && accepted === 0) throw new UserError(`No row of ${name} was accepted. Fix the rows and send the file again.`)
}

/** Sends a file. Resumes after the last batch that an earlier run confirmed. Throws a UserError if the file cannot be read or sent. */
async function sendFile({ file, name, type, target, rate }: Job): Promise<Sent> {
  const source = name === STDIN ? name : await realpath(name).catch(() => name)
  const checkpoint = checkpointFile(PROGRESS_FOLDER, { file: source, type: type ?? '', apiUrl: target.apiUrl })
  const stored = await checkpoint.read()
  const definition = eventTypes.find(each => each.name === type)
  const { form, count, digestBefore } = await inspect(file, { type, fields: Object.keys(definition?.fields ?? {}) }, stored.lines)
  const progress = showProgress(`send ${name}`, count)
  const { before, note } = startOf(stored, digestBefore, name)
  if (note !== undefined) progress.say(note)
  const elements = hashed(readElements(readDecoded(file), form))
  const path = type === undefined ? '/v1/events' : `/v1/events/${encodeURIComponent(type)}`
  const idField = type === undefined ? ENVELOPE_ID_FIELD : (definition?.idField ?? DEFAULT_ID_FIELD)
  const milliseconds = millisecondsFinder(definition)
  let digest = before.lines > 0 ? stored.digest : ''
  let hints: readonly string[] = []
  const post = eventsApi(new URL(path, target.apiUrl), target.key('write'), realRuntime, reason =>
    progress.say(`waiting: ${reason}`),
  )
  const totals = await deliver({
    batches: cutBatches(withIds(elements, idField, before.lines, milliseconds.inspect), batchSize(rate)),
    async post(body, isDivisible) {
      const result = await post(body, isDivisible)
      if (hints.length === 0) hints = result.hints ?? []
      return result
    },
    rate,
    runtime: realRuntime,
    before,
    async confirmed(batch, totals) {
      digest = batch.digest
      await checkpoint.write({ ...totals, digest, complete: false })
      progress.at(totals.lines, `${totals.lines} of ${count} lines`)
    },
  })
  progress.done()
  await checkpoint.write({ ...totals, digest, complete: true })
  return { ...totals, hints: [...hints, milliseconds.hint() ?? []].flat() }
}

/** Where a run starts, and what to say about it. A complete earlier run does not matter: its rows are sent again and recognised. */
function startOf(
  stored: Checkpoint,
  digestBefore: string | undefined,
  name: string,
): { readonly before: Totals; readonly note?: string } {
  if (stored.lines === 0) return { before: nothing }
  if (digestBefore !== stored.digest) {
    const changed = `The first ${stored.lines} rows of ${name} have changed since they were sent: rows without an id count as new from the change on.`
    return { before: nothing, ...(name !== STDIN && { note: changed }) }
  }
  if (stored.complete) return { before: nothing }
  return { before: stored, note: `resuming after element ${stored.lines}, the last that was confirmed` }
}

/** The elements after the first `skipped`, each row with an id. `inspect` gets each of their rows. */
async function* withIds(
  elements: AsyncIterable<HashedElement>,
  idField: string,
  skipped: number,
  inspect: (text: Buffer, line: number) => void,
): AsyncGenerator<HashedElement> {
  let number = 0
  for await (const element of elements) {
    number += 1
    if (number <= skipped) continue
    if (!element.isOversized) inspect(element.text, element.line)
    yield element.isOversized ? element : { ...element, text: identify(element.text, idField, element.digest) }
  }
}

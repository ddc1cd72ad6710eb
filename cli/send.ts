import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { eventTypes } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, positiveNumber, printJson, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { eventsApi, type Runtime } from './sending/api.ts'
import { batchSize, cutBatches } from './sending/batches.ts'
import { deliver, nothing, type Totals } from './sending/deliver.ts'
import { type Element, type Form, formOf, readElements } from './sending/elements.ts'
import { identify } from './sending/identify.ts'
import { findTarget, type Target } from './target.ts'

/** The clock and the dice of real commands. */
export const realRuntime: Runtime = { now: Date.now, sleep: milliseconds => sleep(milliseconds), random: Math.random }

const PROGRESS_FOLDER = '.millrace/send'
const HEAD_BYTES = 64 * 1024
const HASH_DIGITS = 32

interface SendOptions extends CommonOptions {
  readonly type: string
  readonly rate?: number
}

export function sendCommand(program: Command): void {
  withCommonOptions(program.command('send'))
    .description('send the rows of a file: JSON lines, or one JSON array of any size')
    .argument('<file>', 'the file; rows without an id get one from its content, so sending it again changes nothing')
    .requiredOption('--type <event-type>', 'the event type of its rows')
    .option('--rate <events>', 'at most so many events a second', positiveNumber)
    .action(async (file: string, options: SendOptions) => {
      const totals = await sendFile(file, options.type, await findTarget(options.stage), options.rate)
      if (options.json) printJson(totals)
      else console.log(`${totals.lines} lines: ${totals.accepted} accepted, ${totals.quarantined} quarantined.`)
    })
}

/** How far an earlier attempt came; kept beside nothing else of the file than its hash. */
interface Confirmed extends Totals {
  readonly type: string
  readonly apiUrl: string
  /** Byte offset behind the last confirmed element. */
  readonly offset: number
}

/** Sends a file, going on behind what an earlier attempt confirmed. */
export async function sendFile(file: string, type: string, target: Target, rate?: number): Promise<Totals> {
  const { hash, count, form } = await inspect(file)
  const notes = progressNotes(`${PROGRESS_FOLDER}/${hash}.json`, { type, apiUrl: target.apiUrl })
  const before = await notes.read()
  const elements = readElements(createReadStream(file, { start: before.offset }), form, {
    offset: before.offset,
    count: before.lines,
  })
  const idField = eventTypes.find(({ name }) => name === type)?.idField ?? 'event_id'
  const progress = showProgress(`send ${file}`, count)
  if (before.lines > 0) progress.say(`going on behind element ${before.lines}, the last that was confirmed`)
  const url = new URL(`/v1/events/${encodeURIComponent(type)}`, target.apiUrl)
  const totals = await deliver({
    batches: cutBatches(withIds(elements, idField, hash, before.lines), batchSize(rate)),
    post: eventsApi(url, target.key('write'), realRuntime, why => progress.say(`waiting: ${why}`)),
    rate,
    runtime: realRuntime,
    before,
    async confirmed(batch, { lines, accepted, quarantined }) {
      await notes.write({ type, apiUrl: target.apiUrl, offset: batch.end, lines, accepted, quarantined })
      progress.at(lines, `${lines} of ${count} lines`)
    },
  })
  progress.done()
  await notes.remove()
  return { lines: totals.lines, accepted: totals.accepted, quarantined: totals.quarantined }
}

async function* withIds(elements: AsyncIterable<Element>, idField: string, hash: string, first: number): AsyncGenerator<Element> {
  let number = first
  for await (const { text, end } of elements) {
    yield { text: identify(text, idField, `${hash}-${number}`), end }
    number += 1
  }
}

/**
 * Reads the whole file once before anything is sent: its hash makes the ids, and a file that is broken somewhere is refused
 * (mended, it would have another hash, and what had been sent of it would count twice).
 */
async function inspect(file: string): Promise<{ hash: string; count: number; form: Form }> {
  const form = formOf(await readHead(file))
  const hash = createHash('sha256')
  let count = 0
  for await (const _ of readElements(hashed(createReadStream(file), hash), form, { offset: 0, count: 0 })) count += 1
  return { hash: hash.digest('hex').slice(0, HASH_DIGITS), count, form }
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be read (${error.code}); give a file of JSON lines or one JSON array.`)
  })
  try {
    if (!(await handle.stat()).isFile())
      throw new UserError(`${file} is not a file; give a file of JSON lines or one JSON array.`)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function* hashed(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

/** The note of what was confirmed; one of another type or another API does not count. */
function progressNotes(path: string, about: Pick<Confirmed, 'type' | 'apiUrl'>) {
  return {
    async read(): Promise<Confirmed> {
      const fresh = { ...about, ...nothing, offset: 0 }
      try {
        const note = JSON.parse(await readFile(path, 'utf8')) as Confirmed
        return note.type === about.type && note.apiUrl === about.apiUrl ? note : fresh
      } catch {
        return fresh
      }
    },
    async write(note: Confirmed): Promise<void> {
      await mkdir(PROGRESS_FOLDER, { recursive: true })
      await writeFile(`${path}.new`, JSON.stringify(note))
      await rename(`${path}.new`, path)
    },
    remove: () => rm(path, { force: true }),
  }
}

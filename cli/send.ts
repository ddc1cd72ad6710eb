import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { eventTypes } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { type CommonOptions, positiveNumber, printJson, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { eventsApi, type Runtime } from './sending/api.ts'
import { batchSize, cutBatches } from './sending/batches.ts'
import { checkpointFile } from './sending/checkpoint.ts'
import { deliver, type Totals } from './sending/deliver.ts'
import { type Element, type Form, formOf, readElements } from './sending/elements.ts'
import { identify } from './sending/identify.ts'
import { findTarget, type Target } from './target.ts'

/** The system's clock and randomness. */
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
    .argument('<file>', 'the file to send; rows without an id get one from the content, so it is safe to send the file again')
    .requiredOption('--type <event-type>', 'the event type of the rows')
    .option('--rate <events>', 'send at most this many events per second', positiveNumber)
    .action(async (file: string, options: SendOptions) => {
      const totals = await sendFile(file, options.type, await findTarget(options.stage), options.rate)
      if (options.json) printJson(totals)
      else console.log(`${totals.lines} lines: ${totals.accepted} accepted, ${totals.quarantined} quarantined.`)
    })
}

/** Sends a file. Resumes after the last batch that an earlier run confirmed. Throws a UserError if the file cannot be read or sent. */
export async function sendFile(file: string, type: string, target: Target, rate?: number): Promise<Totals> {
  const { hash, count, form } = await inspect(file)
  const checkpoint = checkpointFile(`${PROGRESS_FOLDER}/${hash}.json`, { type, apiUrl: target.apiUrl })
  const before = await checkpoint.read()
  const chunks = createReadStream(file, { start: before.offset })
  const elements = readElements(chunks, form, { offset: before.offset, count: before.lines })
  const idField = eventTypes.find(({ name }) => name === type)?.idField ?? 'event_id'
  const progress = showProgress(`send ${file}`, count)
  if (before.lines > 0) progress.say(`resuming after element ${before.lines}, the last that was confirmed`)
  const url = new URL(`/v1/events/${encodeURIComponent(type)}`, target.apiUrl)
  const totals = await deliver({
    batches: cutBatches(withIds(elements, idField, hash, before.lines), batchSize(rate)),
    post: eventsApi(url, target.key('write'), realRuntime, reason => progress.say(`waiting: ${reason}`)),
    rate,
    runtime: realRuntime,
    before,
    async confirmed(batch, totals) {
      await checkpoint.write(batch.end, totals)
      progress.at(totals.lines, `${totals.lines} of ${count} lines`)
    },
  })
  progress.done()
  await checkpoint.remove()
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
 * Reads the whole file before anything is sent. The ids of rows are made of the file's hash, and a broken file is rejected:
 * after a fix it has another hash, so rows that were sent before would get new ids and count twice.
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
    throw new UserError(`${file} cannot be read (${error.code}). Give a file of JSON lines or one JSON array.`)
  })
  try {
    if (!(await handle.stat()).isFile())
      throw new UserError(`${file} is not a file. Give a file of JSON lines or one JSON array.`)
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

import type { Command } from 'commander'
import { failuresOf, localCloud } from '../localstack/parts.ts'
import { eventTypes, projections } from '../shared/catalogue.ts'
import { NONE } from '../shared/environment.ts'
import { stackName } from '../shared/outputs.ts'
import { parseRawEventTypes } from '../shared/raw-events.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf, kinesisOf, searchOf } from './clients.ts'
import { type CommonOptions, positiveNumber, printJson, withCommonOptions } from './options.ts'
import { quarantineStoresOf, scanQuarantine } from './quarantine/scan.ts'
import { realRuntime } from './send.ts'
import { archiveReader } from './status/archive.ts'
import { countCurrent, rawEventReader, refresh } from './status/documents.ts'
import { stageSentences } from './status/plan-stage.ts'
import { rejectedDocuments, unfoldedEvents } from './status/quarantined.ts'
import { countAccepted, countFolded, expectedDocuments, type Status, windowsAreComplete } from './status/settled.ts'
import { stageStatusReader } from './status/stage.ts'
import { readState } from './status/state.ts'
import { streamReader } from './status/stream.ts'
import { findTarget, type Target } from './target.ts'
import { RESTART } from './up.ts'
import { visible } from './visible.ts'

const POLL_MS = 1_000

interface StatusOptions extends CommonOptions {
  readonly wait?: number
}

export function statusCommand(program: Command): void {
  withCommonOptions(program.command('status'))
    .description(
      'print how many events each store holds: of the local cloud exactly; of a stage, it compares the newest events and estimates the rest',
    )
    .option(
      '--wait <seconds>',
      'wait until every accepted event is folded, archived and indexed; exit 1 if that takes longer',
      positiveNumber,
    )
    .action(async ({ stage, json, wait }: StatusOptions) => {
      const target = await findTarget(stage)
      const { status, lines } = await (stage === undefined ? localStatus(target, wait) : stageStatusOf(target, stage, wait))
      if (json) printJson(status)
      else for (const line of lines) console.log(visible(line))
      // Without OpenSearch or the API, the status looks as if the events were still on their way.
      const failures = target.local ? failuresOf(localCloud()).map(failure => `${failure} ${RESTART}`) : []
      if (wait !== undefined && !status.settled) throw new UserError(notSettled(wait, failures))
      for (const failure of failures) console.error(visible(failure))
    })
}

interface Printed {
  readonly status: Status
  readonly lines: readonly string[]
}

async function localStatus(target: Target, wait: number | undefined): Promise<Printed> {
  const status = await readOnceOrUntilSettled(await statusReader(target), wait)
  return { status, lines: [statusSentence(status)] }
}

async function stageStatusOf(target: Target, stage: string, wait: number | undefined): Promise<Printed> {
  const status = await readOnceOrUntilSettled(await stageStatusReader(target, stackName(stage), realRuntime), wait)
  return { status, lines: stageSentences(status) }
}

const readOnceOrUntilSettled = <S extends Status>(read: () => Promise<S>, wait: number | undefined): Promise<S> =>
  wait === undefined ? read() : settle(read, wait, () => {})

const notSettled = (seconds: number, failures: readonly string[]): string =>
  [
    `Not settled after ${seconds} seconds.`,
    ...(failures.length > 0 ? failures : ['Wait longer, or look for errors with `npx millrace logs`.']),
  ].join(' ')

/** The status as one line of text. */
export const statusSentence = ({ settled, accepted, folded, archived, indexed, quarantined }: Status): string =>
  `${settled ? 'settled' : 'in progress'}: ${accepted} accepted, ${folded} folded, ${archived} archived, ${indexed} documents indexed, ${quarantined} quarantined`

/** Polls the status until it is settled or the time has passed, and calls `seen` with each one. Returns the last status. */
export async function settle<S extends Status>(read: () => Promise<S>, seconds: number, seen: (status: S) => void): Promise<S> {
  const deadline = realRuntime.now() + seconds * 1000
  return poll(read, seen, () => realRuntime.now() + POLL_MS > deadline)
}

/** Polls the status until it is settled or has not changed for that long, and calls `seen` with each one. Returns the last status. */
export async function settleWhileItChanges<S extends Status>(
  read: () => Promise<S>,
  seconds: number,
  seen: (status: S) => void,
): Promise<S> {
  let last: string | undefined
  let changed = realRuntime.now()
  return poll(read, seen, status => {
    const text = JSON.stringify(status)
    if (text !== last) changed = realRuntime.now()
    last = text
    return realRuntime.now() - changed > seconds * 1000
  })
}

/** Reads the status each second until it is settled or `isOver` says so. Returns the last one. */
async function poll<S extends Status>(
  read: () => Promise<S>,
  seen: (status: S) => void,
  isOver: (status: S) => boolean,
): Promise<S> {
  for (;;) {
    const status = await read()
    seen(status)
    if (status.settled || isOver(status)) return status
    await realRuntime.sleep(POLL_MS)
  }
}

/** Returns a function that reads the status of the local cloud from all events. Each call reads only what is new in the stream and the archive. */
export async function statusReader(target: Target): Promise<() => Promise<Status>> {
  const { outputs } = target
  const dynamodb = dynamodbOf(target)
  const search = await searchOf(target)
  const readStream = streamReader(kinesisOf(target), outputs.StreamName, {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    isOn: parseRawEventTypes(search ? outputs.RawEventTypes : NONE),
    retentionDays: Number(outputs.RawEventDays),
  })
  const readRaw = search && rawEventReader(search)
  const readArchive = archiveReader(target)
  // Reads the stream first: each store that is read later can then be checked for the events of the stream.
  return async () => {
    const stream = await readStream()
    const archived = await readArchive()
    const quarantined = await scanQuarantine(quarantineStoresOf(target))
    const state = await readState(dynamodb, outputs.StateTable)
    const rejected = rejectedDocuments(quarantined)
    const documents = search ? expectedDocuments(state, projections, rejected) : []
    const current = search ? await countCurrent(search, documents) : 0
    const raw = readRaw ? await readRaw(stream, rejected) : { indexed: 0, missing: 0 }
    const accepted = countAccepted(stream, archived)
    const folded = countFolded(stream, archived, state)
    const isComplete =
      folded === accepted &&
      archived.size === accepted &&
      windowsAreComplete(stream, state, unfoldedEvents(quarantined)) &&
      current === documents.length &&
      raw.missing === 0
    const settled = isComplete && (search === undefined || (await refresh(search, documents)))
    return { settled, accepted, folded, archived: archived.size, indexed: current + raw.indexed, quarantined: quarantined.length }
  }
}

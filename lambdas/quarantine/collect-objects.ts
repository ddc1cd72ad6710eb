import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import { describeError, SafeError } from '../../shared/safe-error.ts'
import { linesOfParts } from './decoded-text.ts'
import { MAX_EVENTS_PER_CALL } from './dynamodb.ts'
import { type failureBucket, isMissing, type ListedObject } from './s3.ts'

/** Where failures are stored as objects, and how to read them. */
export interface FailureSource {
  readonly objects: Pick<ReturnType<typeof failureBucket>, 'list' | 'readText' | 'remove'>
  readonly prefix: string
  /** Whether the whole text of an object is one failure, or each line. */
  readonly failure: 'object' | 'line'
  /** Returns what to quarantine of a failure. Throws if the text is not one. */
  readonly parse: (text: string) => () => Promise<Collectable>
}

/** What a failure contains. */
interface Collectable {
  readonly events: readonly QuarantinedEvent[]
  /** To be called when the events of the object are quarantined, before it is deleted. */
  readonly mark?: () => Promise<void>
}

/** The number of the events that are quarantined, by code; or why the object was left in place. The next run tries it again. */
type Outcome = { readonly events: ReadonlyMap<RejectionCode, number> } | { readonly problem: string }

/** An object with its outcome, or the first one that the run had no time for. */
export type Collected = { readonly source: FailureSource; readonly key: string } & (Outcome | { readonly isLate: true })

/** Times are milliseconds since 1970. */
export interface RunTimes {
  /** No object is begun after this time. */
  readonly deadline: number
  /** An object that is not finished at this time is left in place. */
  readonly end: number
  readonly now: () => number
}

/** Moves the objects of all sources into the quarantine, until the deadline. Yields one result per object. */
export async function* collect(
  sources: readonly FailureSource[],
  quarantine: Quarantine,
  times: RunTimes,
): AsyncGenerator<Collected> {
  for await (const { source, object, problem } of inTurn(sources)) {
    const key = object?.key ?? source.prefix
    if (times.now() > times.deadline) return yield { source, key, isLate: true }
    if (object) yield { source, key, ...(await collectOne(object, source, quarantine, times).catch(resultOf)) }
    else yield { source, key, problem }
  }
}

type Listed = { readonly source: FailureSource } & (
  | { readonly object: ListedObject; readonly problem?: never }
  | { readonly object?: never; readonly problem: string }
)

/** An object of each source, then the next one of each: many objects of one source do not keep those of the others waiting. */
async function* inTurn(sources: readonly FailureSource[]): AsyncGenerator<Listed> {
  const open = new Map(sources.map(source => [source, source.objects.list(source.prefix)]))
  while (open.size > 0)
    for (const [source, objects] of open) {
      const next = await objects.next().catch(describeError)
      if (typeof next === 'string') yield { source, problem: next }
      else if (!next.done) yield { source, object: next.value }
      if (typeof next === 'string' || next.done) open.delete(source)
    }
}

/** An object that is gone was collected by another run meanwhile. */
const resultOf = (error: unknown): Outcome => (isMissing(error) ? { events: new Map() } : { problem: describeError(error) })

/**
 * Adds the events in calls small enough that the quarantine writes them to its table and not to the bucket again. An object that
 * is collected twice counts once.
 */
async function collectOne(
  object: ListedObject,
  source: FailureSource,
  quarantine: Quarantine,
  { end, now }: RunTimes,
): Promise<Outcome> {
  if (source.failure === 'line') await checkAll(failuresOf(object, source))
  const counts = new Map<RejectionCode, number>()
  const marks: Collectable['mark'][] = []
  let at = 0
  for await (const events of inCalls(eventsOf(failuresOf(object, source), marks))) {
    if (now() > end) throw new SafeError('The run had no time left for all of its events. The next run begins it again.')
    await quarantine.add(events.map(event => ({ occurrence: `${object.key}#${at}`, ...event })))
    at += events.length
    for (const { code } of events) counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  for (const mark of marks) await mark?.()
  await source.objects.remove(object.key)
  return { events: counts }
}

type ReadFailure = ReturnType<FailureSource['parse']>

async function* failuresOf(object: ListedObject, { objects, failure, parse }: FailureSource): AsyncGenerator<ReadFailure> {
  const parts = objects.readText(object)
  if (failure === 'object') yield parsed(await joined(parts), parse)
  else for await (const line of linesOfParts(parts)) yield parsed(line, parse)
}

async function joined(parts: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const part of parts) text += part
  return text
}

function parsed(text: string, parse: FailureSource['parse']): ReadFailure {
  try {
    return parse(text)
  } catch {
    throw new SafeError('It is not a known failure.')
  }
}

/** Throws if one of them is unknown: of such an object, nothing is quarantined. An object with one failure needs no pass of its own. */
async function checkAll(failures: AsyncGenerator<ReadFailure>): Promise<void> {
  while (!(await failures.next()).done);
}

/** The events of these failures. Their marks are added to `marks`. */
async function* eventsOf(failures: AsyncIterable<ReadFailure>, marks: Collectable['mark'][]): AsyncGenerator<QuarantinedEvent> {
  for await (const read of failures) {
    const { events, mark } = await read()
    if (mark) marks.push(mark)
    yield* events
  }
}

async function* inCalls(events: AsyncIterable<QuarantinedEvent>): AsyncGenerator<readonly QuarantinedEvent[]> {
  let call: QuarantinedEvent[] = []
  for await (const event of events) {
    call.push(event)
    if (call.length < MAX_EVENTS_PER_CALL) continue
    yield call
    call = []
  }
  if (call.length > 0) yield call
}

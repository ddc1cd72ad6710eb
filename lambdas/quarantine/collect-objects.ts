import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { describeError } from '../../shared/safe-error.ts'
import { MAX_EVENTS_PER_CALL } from './dynamodb.ts'
import type { failureBucket } from './s3.ts'

/** Where failures are stored as objects, and how to read them. */
export interface FailureSource {
  readonly objects: Pick<ReturnType<typeof failureBucket>, 'list' | 'readText' | 'remove'>
  readonly prefix: string
  /** Returns what to quarantine of an object. Throws if the text is not a failure. */
  readonly parse: (text: string) => () => Promise<Collectable>
}

/** What an object contains. */
interface Collectable {
  readonly events: readonly QuarantinedEvent[]
  /** To be called when they are quarantined, before the object is deleted. */
  mark(): Promise<void>
}

/** An object of which the events are quarantined, or one that was left in place: the next run tries it again. */
export type Collected = { readonly key: string } & (
  | { readonly events: readonly QuarantinedEvent[] }
  | { readonly problem: string }
)

/** Moves the objects of one source into the quarantine, until the deadline. Yields one result per object. Both times are milliseconds since 1970. */
export async function* collect(
  source: FailureSource,
  quarantine: Quarantine,
  { deadline, now }: { readonly deadline: number; readonly now: () => number },
): AsyncGenerator<Collected> {
  for await (const key of source.objects.list(source.prefix)) {
    if (now() > deadline) return
    yield await collectOne(key, source, quarantine).catch(error => ({ key, problem: describeError(error) }))
  }
}

async function collectOne(key: string, { objects, parse }: FailureSource, quarantine: Quarantine): Promise<Collected> {
  const read = parseOrUndefined(await objects.readText(key), parse)
  if (!read) return { key, problem: 'It is not a known failure.' }
  const { events, mark } = await read()
  await addAll(events, key, quarantine)
  await mark()
  await objects.remove(key)
  return { key, events }
}

function parseOrUndefined(text: string, parse: FailureSource['parse']): ReturnType<FailureSource['parse']> | undefined {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/**
 * Adds the events in calls small enough that the quarantine writes them to its table and not to the bucket again. An object that
 * is collected twice counts once.
 */
async function addAll(events: readonly QuarantinedEvent[], key: string, quarantine: Quarantine): Promise<void> {
  for (let at = 0; at < events.length; at += MAX_EVENTS_PER_CALL) {
    const some = events.slice(at, at + MAX_EVENTS_PER_CALL)
    await quarantine.add(some.map(event => ({ occurrence: `${key}#${at}`, ...event })))
  }
}

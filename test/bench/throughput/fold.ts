import type { KinesisStreamRecord } from 'aws-lambda'
import { decodeRecord } from '../../../lambdas/state/decode-record.ts'
import { planWrites } from '../../../lambdas/state/plan-writes.ts'
import type { FoldRules } from '../../../lambdas/state/user-record.ts'
import { eventTypes, projections } from '../../../shared/catalogue.ts'
import type { Event } from '../../../shared/event.ts'
import { packIdentities } from '../../../shared/memory/identities.ts'
import { loadMemory } from '../../../shared/memory/load-memory.ts'
import type { UserItem } from '../../../shared/state.ts'
import { toLine } from '../../../shared/stream-record.ts'
import { aReading, aUserItem } from '../../fixtures/builders.ts'
import { memory } from '../../fixtures/memory.ts'
import type { Case } from './cases.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const DAY_MS = 86_400_000
export const rules: FoldRules = { projections, memory, latenessMs: 7 * DAY_MS, retentionMs: 8 * DAY_MS }
export const START = 1_790_000_000
const MINUTE = 60
/** A user's item has between 0 and 32 identities. */
const IDENTITIES = 16

/** The reading of a device, `seconds` after the start. */
export const readingOf = (device: number, seconds: number, n: number): Event => {
  const timestamp = START + seconds
  const data = { device_id: `device-${device}`, timestamp, temperature: 20 + (n % 50) / 7, event_duration: 3 + (n % 40) / 3 }
  const time = BigInt(timestamp) * 1_000_000n
  return aReading(data, {
    id: `device-${device}-${n}`,
    source: 'gateway',
    time,
    stated: timestamp,
    received: timestamp * 1000 + 40,
  })
}

/** A record of the stream as Lambda passes it. */
const asRecord = (lines: readonly string[], device: number, n: number): KinesisStreamRecord => ({
  eventID: `shardId-000000000000:${n}`,
  eventVersion: '1.0',
  eventSource: 'aws:kinesis',
  awsRegion: 'us-east-1',
  invokeIdentityArn: '',
  eventName: 'aws:kinesis:record',
  eventSourceARN: '',
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey: `device-${device}`,
    sequenceNumber: String(49_590_338_271_490_256n + BigInt(n)).padStart(56, '4'),
    data: Buffer.from(lines.map(line => `${line}\n`).join('')).toString('base64'),
    approximateArrivalTimestamp: START + 1.2,
  },
})

/** An item with some identities of earlier events. */
const itemOf = (device: number): UserItem =>
  aUserItem(`device-${device}`, {
    version: START * 1e6 - 1e6,
    sequenceNumber: '4'.repeat(50),
    identities: packIdentities(
      Array.from({ length: IDENTITIES }, (_, n) => ({
        hash: BigInt(device) * 1_000_003n + BigInt(n) * 7_777_777_777n,
        arrived: START - IDENTITIES + n,
        stated: START - IDENTITIES + n - 1,
      })),
    ),
  })

const noPages = { pages: { readPages: async () => new Map() }, rules: memory, now: Date.now }

/** Decodes a batch, folds it, and plans the writes of its users' items. */
async function fold(batch: readonly KinesisStreamRecord[], items: ReadonlyMap<string, UserItem>): Promise<number> {
  const records = batch.map(record => decodeRecord(record, { eventTypes: catalogue, rules }))
  let folded = 0
  for (const [user, mine] of Map.groupBy(records, each => each.user ?? '')) {
    const item = items.get(user)
    const lookups = mine.flatMap(({ arrived, events }) => events.map(({ stated }) => ({ arrived, stated })))
    const loaded = await loadMemory(item, lookups, noPages)
    for (const write of planWrites({ user, item, loaded }, mine, rules)) folded += write.folded
  }
  return folded
}

/** The same sums in a plain loop over the lines. */
function sums(lines: readonly string[]): number {
  const windows = new Map<string, { events: number; temperature: number; duration: number }>()
  for (const line of lines) {
    const row = JSON.parse(line)
    const key = `${row.subject} ${Math.floor(row.reading_timestamp / MINUTE)}`
    const known = windows.get(key)
    if (known) {
      known.events += 1
      known.temperature += row.reading_temperature
      known.duration += row.reading_event_duration
    } else windows.set(key, { events: 1, temperature: row.reading_temperature, duration: row.reading_event_duration })
  }
  return windows.size
}

/** A record for each device. */
function foldCase(name: string, devices: number, events: number, secondsApart: number, goal?: number): Case {
  const numbers = Array.from({ length: devices }, (_, device) => device)
  const linesOf = (device: number) =>
    Array.from({ length: events }, (_, n) => toLine(readingOf(device, n * secondsApart, n), catalogue.get('reading')))
  const batch = numbers.map(device => asRecord(linesOf(device), device, device))
  const items = new Map(numbers.map(device => [`device-${device}`, itemOf(device)]))
  const lines = numbers.flatMap(linesOf)
  return {
    name: `fold: ${name}`,
    events: lines.length,
    product: async () => {
      if ((await fold(batch, items)) !== lines.length) throw new Error('Not all events were folded.')
    },
    plain: () => sums(lines),
    ...(goal !== undefined && { goal }),
  }
}

export const foldCases: readonly Case[] = [
  foldCase('500 devices, 1 event a record', 500, 1, 0, 12),
  foldCase('100 devices, 5 events a record', 100, 5, 0, 7),
  foldCase('1 device, 500 events in one window', 1, 500, 0, 3),
  foldCase('1 device, 500 events in 500 windows', 1, 500, MINUTE),
]

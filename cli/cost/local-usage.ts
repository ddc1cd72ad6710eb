import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { firehoseBytesOf, GIB, itemBytes, logBytesOf, putUnitsOf, readUnitsOf, writeUnitsOf } from './units.ts'
import { addUsage, type PartUsage, type Usage } from './usage.ts'

type Item = Readonly<Record<string, AttributeValue>>

/** A log line of a function: one invocation. */
export interface Invocation {
  readonly service: string
  readonly line: string
  readonly milliseconds: number
  /** Records of its batch. */
  readonly records: number
  readonly accepted: number
}

/** What the stores of the local cloud contain. */
export interface LocalFacts {
  readonly invocations: readonly Invocation[]
  /** Bytes of each record of the event stream. */
  readonly recordBytes: readonly number[]
  readonly stateItems: readonly Item[]
  readonly pages: readonly Item[]
  /** Memory of each function in MB. */
  readonly memory: Readonly<Record<string, number>>
}

const MB_PER_GB = 1024

/** The parts whose functions are these. */
const PARTS: Readonly<Record<string, string>> = {
  ...{ ingest: 'ingest', state: 'state', windows: 'windows', 'index-documents': 'search', 'index-events': 'search' },
  compact: 'archive',
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length)

/**
 * What the local cloud would have used on AWS. Each item counts with the size that it has now, and reads as one before each write;
 * milliseconds are those of this machine.
 */
export function localUsage(facts: LocalFacts): { events: number; parts: PartUsage } {
  const { invocations, recordBytes } = facts
  const parts: Record<string, Usage> = {}
  for (const [service, own] of Map.groupBy(invocations, each => each.service)) {
    const part = PARTS[service]
    if (part) parts[part] = addUsage(parts[part] ?? {}, lambdaUsage(own, facts.memory[service] ?? 0))
  }
  const tables = tableUsage(facts)
  return {
    events: sum(invocations.map(({ accepted }) => accepted)),
    parts: {
      api: { apiRequests: invocations.filter(({ service }) => service === 'ingest').length },
      ...parts,
      stream: { putUnits: sum(recordBytes.map(putUnitsOf)) },
      state: addUsage(parts['state'] ?? {}, tables.state),
      windows: addUsage(parts['windows'] ?? {}, tables.windows),
      archive: addUsage(parts['archive'] ?? {}, {
        firehoseGb: sum(recordBytes.map(firehoseBytesOf)) / GIB,
        conversionGb: sum(recordBytes.map(firehoseBytesOf)) / GIB,
      }),
    },
  }
}

const lambdaUsage = (invocations: readonly Invocation[], memory: number): Usage => ({
  invocations: invocations.length,
  computeGbSeconds: (sum(invocations.map(({ milliseconds }) => milliseconds)) / 1000) * (memory / MB_PER_GB),
  logGb: sum(invocations.map(({ line }) => logBytesOf(line))) / GIB,
})

/** The windows function reads each put of a user's item, index-documents each put of an item of any kind. */
function tableUsage({ invocations, stateItems, pages }: LocalFacts): Readonly<Record<'state' | 'windows', Usage>> {
  const readBy = (service: string): number =>
    sum(invocations.filter(each => each.service === service).map(({ records }) => records))
  const userPuts = readBy('windows')
  const positions = invocations.filter(({ service }) => service === 'state').length
  const windowPuts = Math.max(0, readBy('index-documents') - userPuts - positions)
  const [users, windows] = [isUser, isWindow].map(is => stateItems.filter(is).map(itemBytes))
  const unitsOf = (puts: number, sizes: readonly number[] = []): Usage => ({
    writeUnits: puts * mean(sizes.map(writeUnitsOf)),
    readUnits: puts * mean(sizes.map(readUnitsOf)),
  })
  const pageUnits = { writeUnits: sum(pages.map(itemBytes).map(writeUnitsOf)) + positions }
  return { state: addUsage(unitsOf(userPuts, users), pageUnits), windows: unitsOf(windowPuts, windows) }
}

const isUser = ({ pk, sk }: Item): boolean => pk?.S?.startsWith('user#') === true && sk?.S === 'state'
const isWindow = (item: Item): boolean => !isUser(item) && /^(user|window)#/.test(item['pk']?.S ?? '')

import type { KinesisStreamRecord } from 'aws-lambda'
import type { Dice } from '../../../cli/simulators/simulator.ts'
import { streamCollector } from '../../../cli/status/stream-facts.ts'
import { fromDeliveryError } from '../../../lambdas/quarantine/plan-failures.ts'
import { planEvents } from '../../../lambdas/search/plan-events.ts'
import { stateTable } from '../../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../../lambdas/state/dynamodb-pages.ts'
import { foldBatch } from '../../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../../lambdas/state/fold-turns.ts'
import { eventTypes, projections } from '../../../shared/catalogue.ts'
import type { Event } from '../../../shared/event.ts'
import type { QuarantinedEvent } from '../../../shared/quarantine.ts'
import { linesOf, toLine } from '../../../shared/stream-record.ts'
import { anAction, aReading, aRecord, aVisit } from '../../fixtures/builders.ts'
import { memory } from '../../fixtures/memory.ts'
import { Table } from '../../simulation/table.ts'
import { hostileJson, oddNames, withBadBytes } from './hostile-json.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const NOW = 1_700_000_000_000
const raw = { eventTypes: catalogue, isOn: () => true, retentionDays: 3 }

export interface ForeignCounts {
  records: number
  lines: number
  /** Events that the state function folded. */
  folded: number
  /** Lines that it quarantined. */
  quarantined: number
  /** Documents of raw events. */
  documents: number
}

/** Everything that reads the stream, over one table in memory. */
export function streamReaders() {
  const counts: ForeignCounts = { records: 0, lines: 0, folded: 0, quarantined: 0, documents: 0 }
  const quarantine = {
    add: async (events: readonly QuarantinedEvent[]): Promise<void> => {
      counts.quarantined += events.length
    },
  }
  const fold = {
    table: stateTable('t', new Table().operations()),
    quarantine,
    eventTypes: catalogue,
    pages: pagesTable('pages', new Table().operations()),
    rules: { projections, memory, latenessMs: undefined, retentionMs: 0 },
    retryBudgetMs: 300_000,
    turns: new FoldTurns('p'),
    now: () => NOW,
    telemetry: {
      count: (metric: string, value: number): void => {
        if (metric === 'EventsFolded') counts.folded += value
      },
      annotate: () => undefined,
    },
  }
  return { counts, fold, collector: streamCollector(raw) }
}

/** Hands a record that ingest did not write to all readers. Throws if one of them fails on it. */
export async function sendForeignRecord({ counts, fold, collector }: ReturnType<typeof streamReaders>, dice: Dice, n: number) {
  const event = dice.oneOf([aVisit('/a', 1), anAction('click'), aReading(), aRecord()])
  const lines = Array.from({ length: dice.integer(1, 4) }, () => foreignLine(event, dice))
  const data = withBadBytes(lines.join('\n'), dice)
  const partitionKey = dice.happens(4) ? 'other' : (event.subject ?? '')
  const kinesis = {
    data: data.toString('base64'),
    partitionKey,
    sequenceNumber: String(n + 1),
    approximateArrivalTimestamp: NOW / 1000,
  }
  // The cast is safe: the readers read only these fields.
  const { batchItemFailures } = await foldBatch([{ eventID: `shard-0:${n}`, kinesis } as KinesisStreamRecord], fold)
  if (batchItemFailures.length > 0)
    throw new Error(`The state function cannot pass record ${n}: ${lines.join(' ').slice(0, 300)}`)
  counts.documents += planEvents(
    [{ sequenceNumber: kinesis.sequenceNumber, text: data.toString(), arrived: NOW }],
    raw,
  ).operations.length
  collector.add('shard-0', { SequenceNumber: String(n + 1), PartitionKey: partitionKey, Data: data })
  const delivery = JSON.stringify({ rawData: kinesis.data, arrivalTimestamp: NOW })
  const count = linesOf(data.toString()).length
  const given = fromDeliveryError(delivery, { eventTypes: catalogue })
  if (given.length !== count) throw new Error(`Of ${count} lines that Firehose gave back, ${given.length} are quarantined.`)
  counts.records += 1
  counts.lines += count
}

/** A line of an event with one value changed, another JSON value, or any text. */
function foreignLine(event: Event, dice: Dice): string {
  const line = toLine(
    { ...event, received: NOW, id: `${dice.oneOf(oddNames)}${dice.integer(0, 9_999)}` },
    catalogue.get(event.type),
  )
  if (dice.happens(4)) return dice.oneOf([hostileJson(dice), line.slice(0, dice.integer(0, line.length)), '{', 'text', '\ue000'])
  if (dice.happens(4)) return line
  const values = [...line.matchAll(/:("[^"]*"|-?[\d.]+)/g)]
  const { index = 0, 0: text = '' } = dice.oneOf(values)
  const other = dice.oneOf([
    hostileJson(dice, 9),
    '99999999999999999999999',
    '-1',
    '"\ue000"',
    JSON.stringify(dice.oneOf(oddNames)),
  ])
  return `${line.slice(0, index)}:${other}${line.slice(index + text.length)}`
}

import type { EventPosition, ItemKey } from '../../shared/state.ts'
import { eachCall, type TableTarget } from './dynamodb-access.ts'
import { keyAttributes } from './dynamodb-items.ts'

/** The positions of more lines do not fit into an item. Ingest writes at most 500 lines into a record. */
const MAX_POSITIONS = 20_000

/** The item with the lines of a record that are quarantined although no user's item decides them. */
const linesKey = (sequenceNumber: string): ItemKey => ({ pk: `lines#${sequenceNumber}`, sk: 'quarantined' })

/** Positions of lines that have no user, in the state table. A line is at its position among the lines of its record. */
export const linesTable = ({ table, dynamodb }: TableTarget) => ({
  /** Those of these lines that are marked as quarantined. */
  readQuarantinedLines: async (lines: readonly EventPosition[]): Promise<EventPosition[]> => {
    const records = [...Map.groupBy(lines, ({ sequenceNumber }) => sequenceNumber)]
    const found = await eachCall(records, async ([sequenceNumber, some]) => {
      const input = { TableName: table, Key: keyAttributes(linesKey(sequenceNumber)), ConsistentRead: true }
      const { Item } = await dynamodb.getItem(input)
      const marked = new Set(Item?.['positions']?.NS)
      return some.filter(({ position }) => marked.has(String(position)))
    })
    return found.flat()
  },

  /** Marks lines as quarantined, with the time in epoch seconds after which DynamoDB may delete the mark. */
  markQuarantinedLines: async (lines: readonly EventPosition[], ttl: number): Promise<void> => {
    const records = [...Map.groupBy(lines, ({ sequenceNumber }) => sequenceNumber)]
    await eachCall(records, ([sequenceNumber, some]) =>
      dynamodb.updateItem({
        TableName: table,
        Key: keyAttributes(linesKey(sequenceNumber)),
        UpdateExpression: 'SET #ttl = if_not_exists(#ttl, :ttl) ADD positions :positions',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':ttl': { N: String(ttl) },
          ':positions': { NS: some.slice(0, MAX_POSITIONS).map(({ position }) => String(position)) },
        },
      }),
    )
  },
})

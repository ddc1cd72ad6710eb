import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import type { FunctionName } from '../../shared/environment.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import { userKey } from '../../shared/state.ts'
import { UserError } from '../../shared/user-error.ts'
import { dynamodbOf } from '../clients.ts'
import type { Target } from '../target.ts'
import { fieldsOf, type LogFields, type LogLine, type LogQuery, readLines } from './lines.ts'
import { foldedUpTo, isAbout, type LogRange, rangesOf, withShards } from './ranges.ts'

/** Readers of the event stream, and readers of what changes in states. */
const READERS: readonly FunctionName[] = ['state', 'index-events']
const CHANGE_READERS: readonly FunctionName[] = ['windows', 'index-documents']
/** How much earlier than what it led to, by another clock, a line may stand. */
const SLACK_MS = 60_000

/** A request's line, and those of the calls that carried its records on. */
export async function linesOfRequest({ target, start }: LogQuery, id: string): Promise<LogLine[]> {
  const own = await readLines({ target, start }, ['ingest'], line => fieldsOf(line)?.['apiRequestId'] === id)
  const [first] = own
  if (!first) throw new UserError(`Ingest knows no request ${id} of that time; look further back with --since.`)
  return [...own, ...(await linesAbout({ target, start: first.at - SLACK_MS }, own.map(factsOrNone).flatMap(rangesOf)))]
}

/** The lines of the calls that carried the last record in a user's state, and of the request that it came with. */
export async function linesOfUser(target: Target, user: string): Promise<LogLine[]> {
  const { pk, sk } = userKey(user)
  const get = new GetItemCommand({ TableName: target.outputs.StateTable, Key: { pk: { S: pk }, sk: { S: sk } } })
  const { Item } = await dynamodbOf(target).send(get)
  const [sequenceNumber, order] = [Item?.['seq']?.S, Number(Item?.['version']?.N)]
  if (!sequenceNumber) throw new UserError(`There is no state of the user ${user}.`)
  const reading = { target, start: arrivalOfOrder(order) - SLACK_MS }
  const lines = await linesAbout(reading, [{ from: sequenceNumber, to: sequenceNumber }])
  const batches = lines.filter(line => line.function === 'state').map(factsOrNone)
  const record = withShards({ from: sequenceNumber, to: sequenceNumber }, batches)
  return [...(await readLines(reading, ['ingest'], line => isAbout(factsOrNone(line), record))), ...lines]
}

/** Lines of those who read these records, and of those who read what changed by them. */
async function linesAbout(reading: LogQuery, spans: readonly LogRange[]): Promise<LogLine[]> {
  const batches = await readLines(reading, READERS, line => isAbout(factsOrNone(line), spans))
  const folded = foldedUpTo(spans, batches.filter(line => line.function === 'state').map(factsOrNone))
  return [...batches, ...(await readLines(reading, CHANGE_READERS, line => isAbout(factsOrNone(line), folded)))]
}

const factsOrNone = (line: LogLine): LogFields => fieldsOf(line) ?? {}

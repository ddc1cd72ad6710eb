import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import type { FunctionName } from '../../shared/environment.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import { userKey } from '../../shared/state.ts'
import { UserError } from '../../shared/user-error.ts'
import { dynamodbOf } from '../clients.ts'
import type { Target } from '../target.ts'
import { fieldsOf, type LogFields, type LogLine, type LogQuery, readLines } from './lines.ts'
import { foldedUpTo, isAbout, type LogRange, rangesOf, withShards } from './ranges.ts'

/** Functions that read the event stream. */
const EVENT_READERS: readonly FunctionName[] = ['state', 'index-events']
/** Functions that read the change stream of the state table. */
const CHANGE_READERS: readonly FunctionName[] = ['windows', 'index-documents']
/** Clocks differ: the line of an earlier step may have a later time, by at most this much. */
const CLOCK_SKEW_MS = 60_000

/** The log line of an API request, and the lines of the invocations that processed its records. */
export async function linesOfRequest({ target, start }: LogQuery, id: string): Promise<LogLine[]> {
  const own = await readLines({ target, start }, ['ingest'], line => fieldsOf(line)?.['apiRequestId'] === id)
  const [first] = own
  if (!first) throw new UserError(`The function ingest logged no request ${id} in this time. Look further back with --since.`)
  const query = { target, start: first.at - CLOCK_SKEW_MS }
  return [...own, ...(await linesAbout(query, own.map(fieldsOrNone).flatMap(rangesOf)))]
}

/** The lines of the invocations that processed the last record in a user's state, and of the request that sent it. */
export async function linesOfUser(target: Target, user: string): Promise<LogLine[]> {
  const { pk, sk } = userKey(user)
  const get = new GetItemCommand({ TableName: target.outputs.StateTable, Key: { pk: { S: pk }, sk: { S: sk } } })
  const { Item } = await dynamodbOf(target).send(get)
  const [sequenceNumber, order] = [Item?.['seq']?.S, Number(Item?.['version']?.N)]
  if (!sequenceNumber) throw new UserError(`The user ${user} has no state. Check the id with \`npx millrace user ${user}\`.`)
  const query = { target, start: arrivalOfOrder(order) - CLOCK_SKEW_MS }
  const record = { from: sequenceNumber, to: sequenceNumber }
  const lines = await linesAbout(query, [record])
  const ranges = withShards(record, batchesOfState(lines))
  return [...(await readLines(query, ['ingest'], line => isAbout(fieldsOrNone(line), ranges))), ...lines]
}

/** The lines of the functions that read these records, and of those that read the resulting state changes. */
async function linesAbout(query: LogQuery, ranges: readonly LogRange[]): Promise<LogLine[]> {
  const batches = await readLines(query, EVENT_READERS, line => isAbout(fieldsOrNone(line), ranges))
  const folded = foldedUpTo(ranges, batchesOfState(batches))
  return [...batches, ...(await readLines(query, CHANGE_READERS, line => isAbout(fieldsOrNone(line), folded)))]
}

const batchesOfState = (lines: readonly LogLine[]): LogFields[] =>
  lines.filter(line => line.function === 'state').map(fieldsOrNone)

const fieldsOrNone = (line: LogLine): LogFields => fieldsOf(line) ?? {}

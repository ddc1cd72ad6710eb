import { type CloudWatchLogsClient, type FilteredLogEvent, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs'
import { UserError } from '../../shared/user-error.ts'
import { logsOf } from '../clients.ts'
import type { Target } from '../target.ts'

/** A line of a function's log. */
export interface LogLine {
  readonly function: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
}

/** The facts of a line by name. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where lines are read, and from when on, in milliseconds since 1970. */
export interface LogQuery {
  readonly target: Target
  readonly start: number
}

/** The newest wanted lines that are read of one function. */
export const MAX_LINES = 1_000

/** Wanted lines of these functions, or of all; a Failure when the stage has none of them. */
export async function readLines(
  { target, start }: LogQuery,
  functions: readonly string[] | undefined,
  isWanted: (line: LogLine) => boolean,
): Promise<LogLine[]> {
  const groups = target.outputs.LogGroups.split(',').map(pair => pair.split('=') as [string, string])
  const chosen = groups.filter(([service]) => functions === undefined || functions.includes(service))
  if (chosen.length === 0)
    throw new UserError(`There is no function ${functions}; there are ${groups.map(([service]) => service).join(', ')}.`)
  const client = logsOf(target)
  const read = ([service, logGroupName]: [string, string]) =>
    readGroup(client, { logGroupName, startTime: Math.trunc(start) }, event => toLine(service, event), isWanted)
  return (await Promise.all(chosen.map(read))).flat()
}

async function readGroup(
  client: CloudWatchLogsClient,
  group: { readonly logGroupName: string; readonly startTime: number },
  asLine: (event: FilteredLogEvent) => LogLine,
  isWanted: (line: LogLine) => boolean,
): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const { events = [] } of paginateFilterLogEvents({ client }, group)) {
    lines.push(...events.map(asLine).filter(line => isOurs(line.text) && isWanted(line)))
    if (lines.length > MAX_LINES) lines.splice(0, lines.length - MAX_LINES)
  }
  return lines
}

const toLine = (service: string, { timestamp = 0, message = '' }: FilteredLogEvent): LogLine => ({
  function: service,
  at: timestamp,
  text: message.trim(),
})

/** The local cloud writes START, END and REPORT around each call; a stage does not. */
const isOurs = (text: string): boolean => text !== '' && !/^(START|END|REPORT) RequestId/.test(text)

/** Undefined for what a function's own lines are not, such as Lambda's about a time-out. */
export function fieldsOf({ text }: LogLine): LogFields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as LogFields) : undefined
  } catch {
    return undefined
  }
}

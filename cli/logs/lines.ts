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

/** The JSON fields of a log line, by name. */
export type LogFields = Readonly<Record<string, unknown>>

/** Which deployment's logs to read, and from which time. */
export interface LogQuery {
  readonly target: Target
  /** Milliseconds since 1970. */
  readonly start: number
}

/** At most this many matching lines are returned per function, the newest. */
export const MAX_LINES = 1_000

/** The matching lines of these functions, or of all functions. Throws a UserError if the stage has none of them. */
export async function readLines(
  { target, start }: LogQuery,
  functions: readonly string[] | undefined,
  matches: (line: LogLine) => boolean,
): Promise<LogLine[]> {
  const groups = target.outputs.LogGroups.split(',').map(pair => pair.split('=') as [string, string])
  const chosen = groups.filter(([service]) => functions === undefined || functions.includes(service))
  if (chosen.length === 0)
    throw new UserError(`There is no function ${functions}. Choose one of ${groups.map(([service]) => service).join(', ')}.`)
  const client = logsOf(target)
  const read = ([service, logGroupName]: [string, string]) =>
    readGroup(client, { logGroupName, startTime: Math.trunc(start) }, event => toLine(service, event), matches)
  return (await Promise.all(chosen.map(read))).flat()
}

async function readGroup(
  client: CloudWatchLogsClient,
  group: { readonly logGroupName: string; readonly startTime: number },
  asLine: (event: FilteredLogEvent) => LogLine,
  matches: (line: LogLine) => boolean,
): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const { events = [] } of paginateFilterLogEvents({ client }, group)) {
    lines.push(...events.map(asLine).filter(line => isFunctionLine(line.text) && matches(line)))
    if (lines.length > MAX_LINES) lines.splice(0, lines.length - MAX_LINES)
  }
  return lines
}

const toLine = (service: string, { timestamp = 0, message = '' }: FilteredLogEvent): LogLine => ({
  function: service,
  at: timestamp,
  text: message.trim(),
})

/** Excludes the START, END and REPORT lines of each invocation, which the local cloud writes and a stage does not. */
const isFunctionLine = (text: string): boolean => text !== '' && !/^(START|END|REPORT) RequestId/.test(text)

/** The fields of a JSON line; undefined for other text, such as Lambda's message about a timeout. */
export function fieldsOf({ text }: LogLine): LogFields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as LogFields) : undefined
  } catch {
    return undefined
  }
}

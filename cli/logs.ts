import { type CloudWatchLogsClient, type FilteredLogEvent, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs'
import { type Command, InvalidArgumentError } from 'commander'
import { logsOf } from './clients.ts'
import { Failure } from './failure.ts'
import { type Common, printJson, withCommonOptions } from './options.ts'
import { realWorld } from './send.ts'
import { findTarget, type Target } from './target.ts'

/** A line of a function's log. */
export interface LogLine {
  readonly function: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MOST = 1_000

interface LogsOptions extends Common {
  readonly since: number
  readonly find?: string
}

export function logsCommand(program: Command): void {
  withCommonOptions(program.command('logs'))
    .description('what the functions wrote to their logs, oldest first; each call is one line')
    .argument('[function]', 'one function, such as ingest; all of them by default')
    .option('--since <time>', 'how far back, such as 30s, 10m, 2h or 1d', readAge, readAge('10m'))
    .option('--find <text>', 'only lines that hold this text, such as the id of a request')
    .action(async (name: string | undefined, { stage, json, since, find }: LogsOptions) => {
      const target = await findTarget(stage)
      const client = logsOf(target)
      const start = realWorld.now() - since
      const read = ([service, group]: readonly [string, string]) => linesOf(client, service, group, start, find)
      const lines = (await Promise.all(chosenGroups(target, name).map(read))).flat().sort((a, b) => a.at - b.at)
      if (json) printJson(lines)
      else for (const line of lines.slice(-MOST)) console.log(sentence(line))
    })
}

/** `10m` as milliseconds; otherwise a usage error. */
export function readAge(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit === '') throw new InvalidArgumentError('It must be a number and a unit, such as 10m or 2h.')
  return Number(number) * (UNITS[unit] ?? 0)
}

/** Functions and their log groups; a Failure for a function that the stage does not have. */
function chosenGroups({ outputs }: Target, name: string | undefined): (readonly [string, string])[] {
  const groups = outputs.LogGroups.split(',').map(pair => pair.split('=') as [string, string])
  const chosen = groups.filter(([service]) => name === undefined || service === name)
  if (chosen.length === 0)
    throw new Failure(`There is no function ${name}; there are ${groups.map(([service]) => service).join(', ')}.`)
  return chosen
}

async function linesOf(
  client: CloudWatchLogsClient,
  service: string,
  logGroupName: string,
  startTime: number,
  find: string | undefined,
): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime })) {
    lines.push(...events.map(event => toLine(service, event)).filter(({ text }) => isOurs(text) && text.includes(find ?? '')))
    if (lines.length > MOST) lines.splice(0, lines.length - MOST)
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

/** A call's line without what only CloudWatch reads. */
export function sentence({ function: service, at, text }: LogLine): string {
  const [instant, name] = [new Date(at).toISOString(), service.padEnd(16)]
  const facts = factsOf(text)
  if (!facts) return `${instant} ${name} ${text}`
  const shown = Object.entries(facts).filter(([fact]) => fact !== '_aws' && fact !== 'service')
  return `${instant} ${name} ${shown.map(([fact, value]) => `${fact}=${value}`).join(' ')}`
}

function factsOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

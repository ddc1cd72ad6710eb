import { type Command, InvalidArgumentError, Option } from 'commander'
import { linesOfRequest, linesOfUser } from './logs/follow.ts'
import { fieldsOf, type LogLine, MAX_LINES, readLines } from './logs/lines.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { realRuntime } from './send.ts'
import { findTarget } from './target.ts'
import { visible } from './visible.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

interface LogsOptions extends CommonOptions {
  readonly since: number
  readonly find?: string
  readonly request?: string
  readonly user?: string
}

export function logsCommand(program: Command): void {
  withCommonOptions(program.command('logs'))
    .description('print the log lines of the functions, oldest first, one line per invocation')
    .argument('[function]', 'print only this function, such as ingest (default: all functions)')
    .addOption(
      new Option('--since <time>', 'print lines no older than this, such as 30s, 10m, 2h or 1d')
        .argParser(readAge)
        .default(readAge('10m'), '10m'),
    )
    .option('--find <text>', 'print only lines that contain this text')
    .addOption(
      new Option('--request <id>', 'print only this API request and the invocations that processed its records').conflicts(
        'find',
      ),
    )
    .addOption(
      new Option(
        '--user <id>',
        "print only the request and the invocations that processed the last record in this user's state, of any age",
      ).conflicts(['find', 'request', 'since']),
    )
    .action(async (name: string | undefined, options: LogsOptions) => {
      const lines = (await chosenLines(name, options)).toSorted((a, b) => a.at - b.at)
      if (options.json) printJson(lines)
      else for (const line of lines.slice(-MAX_LINES)) console.log(visible(sentence(line)))
    })
}

async function chosenLines(
  name: string | undefined,
  { stage, since, find = '', request, user }: LogsOptions,
): Promise<readonly LogLine[]> {
  const target = await findTarget(stage)
  const query = { target, start: realRuntime.now() - since }
  if (request !== undefined) return linesOfRequest(query, request)
  if (user !== undefined) return linesOfUser(target, user)
  return readLines(query, name === undefined ? undefined : [name], ({ text }) => text.includes(find))
}

/** Parses an age such as `10m` into milliseconds. Throws a usage error for other text. */
export function readAge(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit === '') throw new InvalidArgumentError('It must be a number and a unit, such as 10m or 2h.')
  return Number(number) * (UNITS[unit] ?? 0)
}

/** A log line as text: its fields as `name=value`, without `service` and `_aws`, which only CloudWatch reads. */
export function sentence(line: LogLine): string {
  const [instant, name] = [new Date(line.at).toISOString(), line.function.padEnd(16)]
  const fields = fieldsOf(line)
  if (!fields) return `${instant} ${name} ${line.text}`
  const shown = Object.entries(fields).filter(([field]) => field !== '_aws' && field !== 'service')
  const texts = shown.map(([field, value]) => `${field}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  return `${instant} ${name} ${texts.join(' ')}`
}

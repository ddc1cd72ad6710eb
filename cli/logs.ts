import { type Command, InvalidArgumentError, Option } from 'commander'
import { linesOfRequest, linesOfUser } from './logs/follow.ts'
import { fieldsOf, type LogLine, MAX_LINES, readLines } from './logs/lines.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { realRuntime } from './send.ts'
import { findTarget } from './target.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

interface LogsOptions extends CommonOptions {
  readonly since: number
  readonly find?: string
  readonly request?: string
  readonly user?: string
}

export function logsCommand(program: Command): void {
  withCommonOptions(program.command('logs'))
    .description('what the functions wrote to their logs, oldest first; each call is one line')
    .argument('[function]', 'one function, such as ingest; all of them by default')
    .addOption(
      new Option('--since <time>', 'how far back, such as 30s, 10m, 2h or 1d').argParser(readAge).default(readAge('10m'), '10m'),
    )
    .option('--find <text>', 'only lines that hold this text')
    .addOption(
      new Option('--request <id>', 'only a request of the API, and the calls that carried its records on').conflicts('find'),
    )
    .addOption(
      new Option(
        '--user <id>',
        "only the calls that carried the last record in this user's state, and its request, however long ago",
      ).conflicts(['find', 'request', 'since']),
    )
    .action(async (name: string | undefined, options: LogsOptions) => {
      const lines = (await chosenLines(name, options)).toSorted((a, b) => a.at - b.at)
      if (options.json) printJson(lines)
      else for (const line of lines.slice(-MAX_LINES)) console.log(sentence(line))
    })
}

async function chosenLines(
  name: string | undefined,
  { stage, since, find = '', request, user }: LogsOptions,
): Promise<readonly LogLine[]> {
  const target = await findTarget(stage)
  const reading = { target, start: realRuntime.now() - since }
  if (request !== undefined) return linesOfRequest(reading, request)
  if (user !== undefined) return linesOfUser(target, user)
  return readLines(reading, name === undefined ? undefined : [name], ({ text }) => text.includes(find))
}

/** `10m` as milliseconds; otherwise a usage error. */
export function readAge(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit === '') throw new InvalidArgumentError('It must be a number and a unit, such as 10m or 2h.')
  return Number(number) * (UNITS[unit] ?? 0)
}

/** A call's line without what only CloudWatch reads. */
export function sentence(line: LogLine): string {
  const [instant, name] = [new Date(line.at).toISOString(), line.function.padEnd(16)]
  const facts = fieldsOf(line)
  if (!facts) return `${instant} ${name} ${line.text}`
  const shown = Object.entries(facts).filter(([fact]) => fact !== '_aws' && fact !== 'service')
  const texts = shown.map(([fact, value]) => `${fact}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  return `${instant} ${name} ${texts.join(' ')}`
}

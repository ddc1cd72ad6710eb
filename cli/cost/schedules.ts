import { GIB, logBytesOf } from './units.ts'
import { addUsage, HOURS_PER_MONTH, scaleUsage, type Usage } from './usage.ts'

/** A call that finds nothing to do, by a model: an environment that was called some minutes ago is warm. */
const WARM_MS = 15
const COLD_MS = 2000
const WARM_CALLS_PER_HOUR = 6
const LOG_LINE = 'x'.repeat(200)
const MB_PER_GB = 1024
const MINUTES_PER_HOUR = 60
const HOURS_PER_DAY = 24

/** What each call of a function looks for, by the beginning of its logical id: a running job, or objects below three prefixes. */
const SEARCHES: readonly (readonly [RegExp, Usage])[] = [
  [/^(Compaction|Reindex)/, { readUnits: 1 }],
  [/^Failures/, { s3Puts: 3 }],
]

/** What a schedule uses in a month in which its function finds nothing to do. */
export function scheduleUsage(expression: string, functionId: string, memory: number): Usage {
  const perHour = callsPerHour(expression)
  const milliseconds = perHour >= WARM_CALLS_PER_HOUR ? WARM_MS : COLD_MS
  const call: Usage = {
    scheduledCalls: 1,
    invocations: 1,
    computeGbSeconds: (milliseconds / 1000) * (memory / MB_PER_GB),
    logGb: logBytesOf(LOG_LINE) / GIB,
  }
  const searched = SEARCHES.find(([beginning]) => beginning.test(functionId))?.[1] ?? {}
  return scaleUsage(addUsage(call, searched), perHour * HOURS_PER_MONTH)
}

/** Of the expressions that infra/schedule.ts makes. */
function callsPerHour(expression: string): number {
  const [, interval, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(expression) ?? []
  if (interval) return (unit === 'minute' ? MINUTES_PER_HOUR : 1) / Number(interval)
  const [, , step] = /^cron\(\d+ (\d+)(?:\/(\d+))? \* \* \? \*\)$/.exec(expression) ?? []
  if (step) return 1 / Number(step)
  if (/^cron\(\d+ \d+ \* \* \? \*\)$/.test(expression)) return 1 / HOURS_PER_DAY
  throw new Error(`cli/cost/schedules.ts does not know how often ${expression} is. Add it to callsPerHour.`)
}

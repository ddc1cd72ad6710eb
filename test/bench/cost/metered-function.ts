import { logBytesOf } from '../../../cli/cost/units.ts'
import { defineHandler, type Telemetry } from '../../../lambdas/handler.ts'
import { environments, type FunctionName } from '../../../shared/environment.ts'

/** What a function used of Lambda and of the logs. */
export interface FunctionMeter {
  invocations: number
  cpuMs: number
  /** How long the function waited for other services, by a model. */
  waitMs: number
  logBytes: number
  /** Metrics of the log lines. */
  repeated: number
  skipped: number
}

export const newFunctionMeter = (): FunctionMeter => ({
  ...{ invocations: 0, cpuMs: 0, waitMs: 0, logBytes: 0, repeated: 0, skipped: 0 },
})

/** Passes an input to a function as Lambda does. Returns the milliseconds of CPU that it needed. */
export type Invoke = (input: object) => Promise<number>

/** A function of the product: the CPU time for its input, JSON included, and the bytes of its log line are metered. */
export function meteredFunction<F extends FunctionName>(
  name: F,
  meters: Readonly<Record<string, FunctionMeter>>,
  start: (input: never, telemetry: Telemetry) => Promise<unknown>,
): Invoke {
  for (const variable of environments[name]) process.env[variable] ??= 'none'
  process.env['POWERTOOLS_METRICS_NAMESPACE'] ??= 'millrace-prod'
  const handler = defineHandler(name, () => start)
  const write = process.stdout.write
  return async input => {
    const meter = meters[name] as FunctionMeter
    const payload = JSON.stringify(input)
    process.stdout.write = ((line: string) => {
      meter.logBytes += logBytesOf(line.trimEnd())
      const { EventsRepeated = 0, LookupsSkipped = 0 } = JSON.parse(line) as Readonly<Record<string, number | undefined>>
      meter.repeated += EventsRepeated
      meter.skipped += LookupsSkipped
      return true
    }) as typeof write
    const before = process.cpuUsage()
    try {
      const result = await handler(JSON.parse(payload) as never, { awsRequestId: '0f6a2b1e-5b1d-4a58-9d1c-2f1f5f6f7a01' })
      check(result)
    } finally {
      process.stdout.write = write
    }
    const { user, system } = process.cpuUsage(before)
    meter.invocations += 1
    meter.cpuMs += (user + system) / 1000
    return (user + system) / 1000
  }
}

/** The bench is about what goes well: every request is accepted, and every batch is done. */
function check(result: unknown): void {
  const { statusCode = 200, body, batchItemFailures = [] } = (result ?? {}) as Readonly<Record<string, never>>
  if (statusCode !== 200 || (batchItemFailures as readonly unknown[]).length > 0)
    throw new Error(`A function of the bench failed: ${statusCode} ${body ?? 'records are returned'}`)
}

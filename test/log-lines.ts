import { jest } from '@jest/globals'

/** A log line as CloudWatch gets it: facts, and what it takes as metrics. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly _aws?: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string
      readonly Dimensions: readonly string[][]
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[]
    }[]
  }
}

/** What `run` resolves or rejects to, and the texts that functions write to their log meanwhile; they do not reach the terminal. */
export async function listen<T>(run: () => Promise<T>): Promise<{ result: PromiseSettledResult<T>; texts: string[] }> {
  const texts: string[] = []
  const listening = jest.spyOn(process.stdout, 'write').mockImplementation(text => {
    texts.push(String(text))
    return true
  })
  const [result] = await Promise.allSettled([run()])
  listening.mockRestore()
  return { result, texts }
}

export const parseLine = (text: string): LogLine => JSON.parse(text) as LogLine

/** The metrics that CloudWatch takes from these texts, as `service name`. */
export const emittedBy = (texts: readonly string[]): Set<string> =>
  new Set(
    texts
      .filter(text => text.includes('"_aws"'))
      .map(parseLine)
      .flatMap(({ service, _aws }) =>
        (_aws?.CloudWatchMetrics ?? []).flatMap(({ Metrics }) => Metrics.map(({ Name }) => `${service} ${Name}`)),
      ),
  )

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ForeignCounts } from './foreign-records.ts'

/** The result of a run of the fuzzer. */
export interface FuzzResult {
  readonly bodies: number
  /** The number of bodies per status and code, while all stores were up. */
  readonly responses: Readonly<Record<string, number>>
  /** The same while one store was down. */
  readonly responsesOfOutages: Readonly<Record<string, number>>
  /** Elements of the answered bodies whose number is known. */
  readonly elements: number
  readonly accepted: number
  readonly quarantined: number
  /** Quarantined events by code. */
  readonly codes: Readonly<Record<string, number>>
  /** What the readers of the stream did with records that ingest did not write. */
  readonly foreign: ForeignCounts
  readonly slowestMs: number
  readonly peakMegabytes: number
}

const MAX_TEXT = 40

/** The result as a table: one line for each status and code, and for each number. */
export function formatResult({ responses, responsesOfOutages, codes, foreign, ...numbers }: FuzzResult): string {
  const section = (title: string, counts: object): string[] => [
    title,
    ...Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `  ${name.padEnd(MAX_TEXT)}${String(count).padStart(10)}`),
  ]
  return [
    ...section('Responses while all stores were up, by status and code', responses),
    ...section('Responses while one store was down', responsesOfOutages),
    ...section('Quarantined events by code', codes),
    ...section('Records that ingest did not write, through the readers of the stream', foreign),
    ...section('Run', numbers),
  ].join('\n')
}

/** Runs the fuzzer in a separate process, to measure its peak memory. Throws if a response is wrong. */
export async function fuzz(bodies: number, seed: number): Promise<FuzzResult> {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/clients/fuzz/run.ts', String(bodies), String(seed)])
  return JSON.parse(stdout) as FuzzResult
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The result of a run of the fuzzer. */
export interface FuzzResult {
  readonly bodies: number
  /** The number of bodies per status and code. */
  readonly responses: Readonly<Record<string, number>>
  readonly accepted: number
  readonly quarantined: number
  readonly slowestMs: number
  readonly peakMegabytes: number
}

/** Runs the fuzzer in a separate process, to measure its peak memory. Throws if a response is wrong. */
export async function fuzz(bodies: number, seed: number): Promise<FuzzResult> {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/clients/fuzz/run.ts', String(bodies), String(seed)])
  return JSON.parse(stdout) as FuzzResult
}

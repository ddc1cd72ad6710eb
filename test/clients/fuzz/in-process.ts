import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What a run of the fuzzer tells. */
export interface Fuzzed {
  readonly bodies: number
  /** How many bodies got each status and code. */
  readonly answers: Readonly<Record<string, number>>
  readonly accepted: number
  readonly putAside: number
  readonly slowestMs: number
  readonly peakMegabytes: number
}

/** Runs the fuzzer in a process of its own, whose memory is that of ingest; throws the first answer that is wrong. */
export async function fuzz(bodies: number, seed: number): Promise<Fuzzed> {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/clients/fuzz/run.ts', String(bodies), String(seed)])
  return JSON.parse(stdout) as Fuzzed
}

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Result of a child process: the first failing seed, or none. */
export interface Found {
  readonly seed?: number
  readonly violations?: readonly string[]
}

/** Simulates `runs` seeds from `from` on, with the code below `root`, in a child process. */
export const simulateSeeds = (root: string, from: number, runs: number): Promise<Found> =>
  new Promise((resolve, reject) => {
    const args = ['test/simulation/run.ts', '--root', root, '--from', String(from), '--runs', String(runs)]
    execFile(process.execPath, args, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout))
      else reject(new Error(stderr || String(error)))
    })
  })

/** Simulates seeds from 0 on in one child process per processor. Returns the smallest failing seed. */
export async function simulateInParallel(root: string, runs: number): Promise<Found> {
  const share = Math.ceil(runs / availableParallelism())
  const starts = Array.from({ length: availableParallelism() }, (_, i) => i * share)
  const found = await Promise.all(starts.map(from => simulateSeeds(root, from, share)))
  return found.find(({ seed }) => seed !== undefined) ?? {}
}

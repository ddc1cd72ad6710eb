import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { type Mistake, mistakes } from './mistakes.ts'
import { plant } from './mutant.ts'
import { simulateSeeds } from './processes.ts'

const MISTAKES = 'test/simulation/mistakes.ts'
const MUTANTS = '.millrace/record-seeds'

/**
 * Writes the first seed that catches each mistake into mistakes.ts, where the recorded one no longer does: the test then runs one
 * seed for each mistake instead of searching.
 */
export async function recordSeeds(): Promise<void> {
  await pLimit(availableParallelism()).map(mistakes, async mistake => {
    const root = plant(mistake, MUTANTS)
    if ((await simulateSeeds(root, mistake.seed, 1)).seed !== undefined) return
    const { seed } = await simulateSeeds(root, 0, mistake.within)
    console.log(`${mistake.name}: ${seed === undefined ? 'not caught' : `seed ${seed}`}`)
    if (seed !== undefined) writeFileSync(MISTAKES, withSeed(readFileSync(MISTAKES, 'utf8'), mistake, seed))
  })
  rmSync(MUTANTS, { recursive: true, force: true })
}

/** The source text with another seed for one mistake. */
function withSeed(source: string, { name, seed }: Mistake, found: number): string {
  const [start = '', rest = ''] = source.split(`name: '${name}',`)
  return `${start}name: '${name}',${rest.replace(`seed: ${seed},`, `seed: ${found},`)}`
}

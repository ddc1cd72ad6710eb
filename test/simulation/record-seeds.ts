import { rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { type Mistake, mistakes, SEEDS_TO_CATCH } from './mistakes.ts'
import { plant } from './mutant.ts'
import { simulateSeeds } from './processes.ts'

const SEEDS = 'test/simulation/seeds.json'
const MUTANTS = '.millrace/record-seeds'

/**
 * Writes the first seed that catches each mistake into seeds.json, where the recorded one no longer does: the test then runs one
 * seed for each mistake instead of searching.
 */
export async function recordSeeds(): Promise<void> {
  const seeds = await pLimit(availableParallelism()).map(
    mistakes,
    async mistake => [mistake.name, await seedOf(mistake)] as const,
  )
  writeFileSync(SEEDS, `${JSON.stringify(Object.fromEntries(seeds), null, 2)}\n`)
  rmSync(MUTANTS, { recursive: true, force: true })
}

/** The recorded seed if it still catches the mistake, else the first that does; the recorded one if none does. */
async function seedOf(mistake: Mistake): Promise<number> {
  const root = plant(mistake, MUTANTS)
  if ((await simulateSeeds(root, mistake.seed, 1)).seed !== undefined) return mistake.seed
  const { seed } = await simulateSeeds(root, 0, SEEDS_TO_CATCH)
  console.log(`${mistake.name}: ${seed === undefined ? 'not caught' : `seed ${seed}`}`)
  return seed ?? mistake.seed
}

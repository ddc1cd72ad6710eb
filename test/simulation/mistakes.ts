import { changeReaderMistakes } from './mistakes/change-readers.ts'
import { foldMistakes } from './mistakes/fold.ts'
import { grainMistakes } from './mistakes/grains.ts'
import { memoryMistakes } from './mistakes/memory.ts'
import { quarantineMistakes } from './mistakes/quarantine.ts'
import { stateWriteMistakes } from './mistakes/state-writes.ts'
import type { PlantedMistake } from './mutant.ts'
import recorded from './seeds.json' with { type: 'json' }

/** A mistake that the simulation catches. */
export interface Mistake extends PlantedMistake {
  /** The first seed that catches it. Recorded by `--record`; the code may have changed since. */
  readonly seed: number
}

/** One of this many seeds, from 0 on, catches each mistake. */
export const SEEDS_TO_CATCH = 5000

const seeds: Readonly<Record<string, number>> = recorded

export const mistakes: readonly Mistake[] = [
  ...foldMistakes,
  ...memoryMistakes,
  ...stateWriteMistakes,
  ...grainMistakes,
  ...changeReaderMistakes,
  ...quarantineMistakes,
].map(mistake => ({ ...mistake, seed: seeds[mistake.name] ?? 0 }))

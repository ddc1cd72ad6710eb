import { rmSync } from 'node:fs'
import { mistakes, SEEDS_TO_CATCH } from '../simulation/mistakes.ts'
import { plant } from '../simulation/mutant.ts'
import { simulateInParallel } from '../simulation/processes.ts'

const MUTANTS = '.millrace/mistakes-long'
const RUNS = 200_000
const HOURS = 3_600_000

afterAll(() => rmSync(MUTANTS, { recursive: true, force: true }))

test(
  `under all faults every store equals a plain fold of the log (${RUNS} runs)`,
  async () => {
    expect(await simulateInParallel('.', RUNS)).toEqual({})
  },
  HOURS,
)

test.each(mistakes.map(mistake => [mistake.about, mistake] as const))(
  'caught from seed 0: %s',
  async (_, mistake) => {
    const found = await simulateInParallel(plant(mistake, MUTANTS), SEEDS_TO_CATCH)
    console.log(`${mistake.name}: seed ${found.seed}`)
    expect(found.seed).toBeDefined()
  },
  HOURS,
)

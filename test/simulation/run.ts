import { parseArgs } from 'node:util'
import { choicesFrom, numbersOf } from './choices.ts'
import { type Code, loadCode } from './code.ts'
import { judge } from './judge.ts'
import { printMeetings } from './meetings.ts'
import { printMistakes } from './mistake-table.ts'
import { recordSeeds } from './record-seeds.ts'
import { World } from './world.ts'

interface Failure {
  readonly seed: number
  readonly choices: readonly number[]
  readonly violations: readonly string[]
  readonly trace: readonly string[]
}

interface Result {
  readonly violations: string[]
  readonly trace: string[]
  /** Which faults touched the same user between two commits. */
  readonly met: ReadonlySet<string>
}

interface Range {
  readonly from: number
  readonly runs: number
}

const CHOICES = 3000

export async function simulate(code: Code, numbers: readonly number[]): Promise<Result> {
  const world = new World(code, choicesFrom(numbers))
  const settled = await world.run()
  const { environment } = world
  const violations = settled ? judge(environment, code) : ['did not settle']
  return { violations, trace: environment.trace, met: environment.meetings.met }
}

/** Runs seeds one after another and yields the failures. */
async function* failures(code: Code, { from, runs }: Range): AsyncGenerator<Failure> {
  for (let seed = from; seed < from + runs; seed++) {
    const choices = numbersOf(seed, CHOICES)
    const { violations, trace } = await simulate(code, choices)
    if (violations.length > 0) yield { seed, choices, violations, trace }
  }
}

/** Shrinks a failing run: fewer choices, then more zeros among them, as long as it still fails. */
async function shrink(code: Code, failure: Failure): Promise<Failure> {
  let best = failure
  const tryWith = async (choices: readonly number[]): Promise<boolean> => {
    const { violations, trace } = await simulate(code, choices)
    if (violations.length > 0) best = { ...best, choices, violations, trace }
    return violations.length > 0
  }
  for (let cut = best.choices.length >> 1; cut > 0; ) {
    const shorter = best.choices.slice(0, best.choices.length - cut)
    if (shorter.length === 0 || !(await tryWith(shorter))) cut >>= 1
  }
  for (let size = 64; size > 0; size >>= 1)
    for (let at = 0; at < best.choices.length; at += size) {
      const part = best.choices.slice(at, at + size)
      if (part.some(number => number !== 0))
        await tryWith(best.choices.map((number, i) => (i >= at && i < at + size ? 0 : number)))
    }
  return best
}

/** Prints the first failing seed, or how many runs did not fail. */
async function hunt(code: Code, range: Range, trace: boolean): Promise<void> {
  const { value: failure } = await failures(code, range).next()
  if (!failure) return console.log(JSON.stringify({ runs: range.runs }))
  const small = trace ? await shrink(code, failure) : failure
  if (trace) console.error(small.trace.join('\n'))
  console.log(JSON.stringify({ seed: failure.seed, violations: small.violations }))
  process.exitCode = 1
}

/** Prints how many runs fail, with the first seeds. */
async function countFailures(code: Code, range: Range): Promise<void> {
  const seeds: number[] = []
  for await (const { seed } of failures(code, range)) seeds.push(seed)
  console.log(JSON.stringify({ runs: range.runs, failing: seeds.length, seeds: seeds.slice(0, 20) }))
}

/** Prints which faults touched the same user between two of its commits, in how many runs. */
async function countMeetings(code: Code, { from, runs }: Range): Promise<void> {
  const counts = new Map<string, number>()
  for (let seed = from; seed < from + runs; seed++) {
    const { met, violations } = await simulate(code, numbersOf(seed, CHOICES))
    for (const name of met) counts.set(name, (counts.get(name) ?? 0) + 1)
    if (violations.length > 0) console.error(JSON.stringify({ seed, violations }))
  }
  const rare = printMeetings(runs, counts)
  if (rare.length === 0) return
  console.error(`Too rare; make them likelier in test/simulation/conditions.ts or world.ts: ${rare.join(', ')}.`)
  process.exitCode = 1
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: '.' },
      from: { type: 'string', default: '0' },
      runs: { type: 'string', default: '5000' },
      trace: { type: 'boolean', default: false },
      count: { type: 'boolean', default: false },
      pairs: { type: 'boolean', default: false },
      mistakes: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  })
  // Nothing reads the stacks of the many errors that faults cause.
  if (!values.trace) Error.stackTraceLimit = 0
  const code = await loadCode(values.root)
  const range = { from: Number(values.from), runs: Number(values.runs) }
  if (values.record) await recordSeeds()
  else if (values.mistakes) await printMistakes(range.runs)
  else if (values.pairs) await countMeetings(code, range)
  else await (values.count ? countFailures(code, range) : hunt(code, range, values.trace))
}

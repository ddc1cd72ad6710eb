// node test/clients/fuzz/run.ts BODIES SEED: sends generated bodies to the real ingest handler; prints a summary of the responses.
import { rollDice } from '../../../cli/simulators/dice.ts'
import { ingestInMemory } from '../../fakes/ingest.ts'
import { sendForeignRecord, streamReaders } from './foreign-records.ts'
import { findViolation } from './judge.ts'
import { type Case, dealCase } from './requests.ts'

const down = () => Promise.reject(new Error('down'))
const overrides = {
  up: {},
  'keys down': { keys: { find: down } },
  'stream down': { putRecords: down },
  'quarantine down': { quarantine: { add: down } },
} as const satisfies Record<Case['store'], object>

/** After each group of bodies, somebody else writes a record to the stream. */
const BODIES_PER_FOREIGN_RECORD = 10
const add = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

const [bodies = 1000, seed = 1] = process.argv.slice(2).map(Number)
const dice = rollDice(seed)
const responses: Record<string, number> = {}
const responsesOfOutages: Record<string, number> = {}
const codes: Record<string, number> = {}
const readers = streamReaders()
let elements = 0
let accepted = 0
let quarantined = 0
let slowestMs = 0
const started = performance.now()
for (let n = 0; n < bodies; n++) {
  const dealt = dealCase(dice, n)
  const stored = ingestInMemory({ ...overrides[dealt.store], withinRateLimit: () => !dealt.limited })
  const began = performance.now()
  const response = await stored.request(dealt.path, dealt.posted)
  slowestMs = Math.max(slowestMs, performance.now() - began)
  const violation = findViolation(dealt, response, stored)
  if (violation) {
    const text = JSON.stringify(response).slice(0, 300)
    throw new Error(`Body ${n} of seed ${seed} to ${dealt.path}: ${violation} (${text})`)
  }
  add(dealt.store === 'up' ? responses : responsesOfOutages, `${response.status} ${response.body?.code ?? 'ok'}`)
  for (const { code } of stored.quarantined) add(codes, code)
  if (dealt.elements !== undefined && response.status === 200) elements += dealt.elements
  if (n % BODIES_PER_FOREIGN_RECORD === 0) await sendForeignRecord(readers, dice, n)
  accepted += stored.events.length
  quarantined += stored.quarantined.length
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(
  JSON.stringify({
    bodies,
    seed,
    responses,
    responsesOfOutages,
    elements,
    accepted,
    quarantined,
    codes,
    foreign: readers.counts,
    slowestMs: Math.round(slowestMs),
    seconds,
    peakMegabytes,
  }),
)

// node test/clients/fuzz/run.ts BODIES SEED: sends generated bodies to the real ingest handler; prints a summary of the responses.
import { rollDice } from '../../../cli/simulators/dice.ts'
import { ingestInMemory } from '../../fakes/ingest.ts'
import { findViolation } from './judge.ts'
import { type Case, dealCase } from './requests.ts'

const down = () => Promise.reject(new Error('down'))
const overrides = {
  up: {},
  'keys down': { keys: { find: down } },
  'stream down': { putRecords: down },
  'quarantine down': { quarantine: { add: down } },
} as const satisfies Record<Case['store'], object>

const [bodies = 1000, seed = 1] = process.argv.slice(2).map(Number)
const dice = rollDice(seed)
const responses: Record<string, number> = {}
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
  const statusAndCode = `${response.status} ${response.body?.code ?? 'ok'}`
  responses[statusAndCode] = (responses[statusAndCode] ?? 0) + 1
  accepted += stored.events.length
  quarantined += stored.quarantined.length
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(
  JSON.stringify({ bodies, seed, responses, accepted, quarantined, slowestMs: Math.round(slowestMs), seconds, peakMegabytes }),
)

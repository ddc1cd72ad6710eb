// node test/clients/fuzz/run.ts BODIES SEED: throws bodies at the real handler of ingest; prints what it answered.
import { rollDice } from '../../../cli/simulators/dice.ts'
import { ingestInMemory } from '../../fakes/ingest.ts'
import { wrongWith } from './judge.ts'
import { type Case, dealCase } from './requests.ts'

const down = () => Promise.reject(new Error('down'))
const broken = {
  up: {},
  'keys down': { keys: { find: down } },
  'stream down': { putRecords: down },
  'quarantine down': { quarantine: { add: down } },
} as const satisfies Record<Case['store'], object>

const [bodies = 1000, seed = 1] = process.argv.slice(2).map(Number)
const dice = rollDice(seed)
const answers: Record<string, number> = {}
let accepted = 0
let putAside = 0
let slowestMs = 0
const started = performance.now()
for (let n = 0; n < bodies; n++) {
  const dealt = dealCase(dice, n)
  const stored = ingestInMemory({ ...broken[dealt.store], withinRateLimit: () => !dealt.limited })
  const began = performance.now()
  const answer = await stored.request(dealt.path, dealt.posted)
  slowestMs = Math.max(slowestMs, performance.now() - began)
  const wrong = wrongWith(dealt, answer, stored)
  if (wrong) throw new Error(`Body ${n} of seed ${seed} to ${dealt.path}: ${wrong} (${JSON.stringify(answer).slice(0, 300)})`)
  const kind = `${answer.status} ${answer.body?.code ?? 'ok'}`
  answers[kind] = (answers[kind] ?? 0) + 1
  accepted += stored.events.length
  putAside += stored.quarantined.length
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(
  JSON.stringify({ bodies, seed, answers, accepted, putAside, slowestMs: Math.round(slowestMs), seconds, peakMegabytes }),
)

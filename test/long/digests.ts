// node test/long/digests.ts [--record] [--dump DIR]: runs the product on seeded inputs and compares digests of everything that it
// stores, sends and returns with digests.json. It shows that a refactoring changes no behaviour.
import './digests/environment.ts'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Outputs } from './digests/canonical.ts'
import { newCloud } from './digests/cloud.ts'
import { runCommands } from './digests/commands.ts'
import { runPlans } from './digests/plans.ts'
import { describeCatalogue, queryRoutes } from './digests/queries.ts'
import { runHostile, runWorkloads, setUpSearch } from './digests/runs.ts'

const RECORDED = path.join(import.meta.dirname, 'digests.json')
const { record, dump } = parseArgs({ options: { record: { type: 'boolean' }, dump: { type: 'string' } } }).values

const outputs = new Outputs()
await setUpSearch(outputs)
await runWorkloads(outputs)
await runHostile(outputs)
await queryRoutes(newCloud(), outputs)
describeCatalogue(outputs)
await runPlans(outputs)
await runCommands(outputs)

if (dump) {
  mkdirSync(dump, { recursive: true })
  for (const [name, text] of outputs.texts) writeFileSync(path.join(dump, `${name}.txt`), text)
}
const digests = outputs.digests()
if (record) writeFileSync(RECORDED, `${JSON.stringify(digests, null, 2)}\n`)
const recorded = JSON.parse(readFileSync(RECORDED, 'utf8')) as Record<string, string>
const names = [...new Set([...Object.keys(recorded), ...Object.keys(digests)])]
const differing = names.filter(name => recorded[name] !== digests[name])
for (const name of differing)
  console.log(`${name}: ${digests[name] === undefined ? 'is gone' : recorded[name] ? 'differs' : 'is new'}`)
if (differing.length === 0) console.log(`${names.length} digests equal`)
process.exit(differing.length === 0 ? 0 : 1)

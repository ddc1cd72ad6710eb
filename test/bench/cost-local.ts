// node test/bench/cost-local.ts [SECONDS]: sends mix B to the local cloud, 50 events a second, and compares what `millrace cost` counts
// there with the bench of the same requests in process.

import { setTimeout } from 'node:timers/promises'
import { readLocalFacts } from '../../cli/cost/local-cloud.ts'
import { localUsage } from '../../cli/cost/local-usage.ts'
import { templateResources } from '../../cli/cost/stage-template.ts'
import { settle, statusReader } from '../../cli/status.ts'
import { formatTable } from '../../cli/table.ts'
import { findTarget } from '../../cli/target.ts'
import { settingsFor } from '../../infra/settings.ts'
import { mixes } from './cost/mixes.ts'
import { runShard } from './cost/run-mix.ts'

const USERS = 50
const seconds = Number(process.argv[2] ?? 180)
const mix = mixes.find(({ name }) => name === 'B')
if (!mix) throw new Error('There is no mix B.')

const target = await findTarget(undefined)
const template = await templateResources('local')
const start = Math.ceil(Date.now() / 60_000) * 60_000
let sent = 0
for (const { at, path, body, events } of mix.requests(USERS, start)) {
  if (at >= start + seconds * 1000) break
  await setTimeout(Math.max(0, at - Date.now()))
  const headers = { authorization: `Bearer ${target.key('write')}`, 'content-type': 'application/json' }
  const response = await fetch(new URL(path, target.apiUrl), { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`The local cloud responded with ${response.status}.`)
  sent += events
}
await settle(await statusReader(target), 180, () => {})
const counted = localUsage(await readLocalFacts(target, template))
const settings = settingsFor('local', 'http://127.0.0.1:1')
const bench = await runShard(mix.requests(USERS, start), settings, { users: USERS, fill: 0, measure: seconds }, 1, {
  start,
  measureFrom: start,
  end: start + seconds * 1000,
})
const { table, pages, wire } = bench
const unitsOf = (kind: string): number => table.meter.kinds.get(kind)?.units ?? 0
const rows = [
  ['API requests', counted.parts['api']?.apiRequests, wire.requests],
  ['PUT payload units', counted.parts['stream']?.putUnits, wire.putUnits],
  ['Firehose GB', counted.parts['archive']?.firehoseGb, wire.firehoseBytes / 2 ** 30],
  [
    'write units of users and pages',
    (counted.parts['state']?.writeUnits ?? 0) - (counted.parts['state']?.invocations ?? 0),
    unitsOf('user') + pages.meter.writeUnits,
  ],
  ['write units of windows', counted.parts['windows']?.writeUnits, unitsOf('window')],
].map(([unit, local = 0, inProcess = 0]) => ({ unit, local, 'in process': inProcess, ratio: Number(local) / Number(inProcess) }))
console.log(`${counted.events} events counted, ${sent} sent, ${bench.events} in process`)
console.log(formatTable(rows, ['unit', 'local', 'in process', 'ratio']))

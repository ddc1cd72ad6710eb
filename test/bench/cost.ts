// node test/bench/cost.ts [--record] [MIX…]: what a million events cost on a stage with the settings of prod.

import { writeFileSync } from 'node:fs'
import { PUBLISHED, type PublishedMix, readPublished } from '../../cli/cost/published-mixes.ts'
import { formatTable } from '../../cli/table.ts'
import { settingsFor } from '../../infra/settings.ts'
import { compactionRow } from './cost/compaction.ts'
import { deviceAt, mixes } from './cost/mixes.ts'
import { runMix, runShard, START } from './cost/run-mix.ts'
import { measureSdk } from './cost/sdk-cpu.ts'
import { priceTable, putTable, totals } from './cost/tables.ts'

const prod = settingsFor('prod')
const isRecording = process.argv.includes('--record')
const wanted = process.argv.slice(2).filter(argument => !argument.startsWith('--'))

const print = (title: string, rows: readonly object[]): void =>
  console.log(`\n${title}\n${formatTable(rows, [...new Set(rows.flatMap(row => Object.keys(row)))])}`)

const sdk = await measureSdk()
print('Milliseconds of CPU of the SDK for a call', [sdk])
const measured: PublishedMix[] = []
for (const mix of mixes.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const { runs, published } = await runMix(mix, prod, sdk)
  measured.push(published)
  print(`${mix.name}: ${mix.about}. $ a million events`, priceTable(published))
  print(`${mix.name}: items`, putTable(runs.users))
}
if (wanted.length === 0 || wanted.includes('puts')) {
  const devices = {
    '100/s': [1000, 100, 60],
    '1/s': [1000, 1, 2048],
    '0.1/s': [10_000, 1, 20_480],
    '1/min': [60_000, 1, 122_880],
  }
  for (const [rate, [everyMs = 0, perRequest = 0, seconds = 0]] of Object.entries(devices)) {
    const span = { users: 1, fill: seconds, measure: seconds }
    print(`A device with ${rate}: items`, putTable(await runShard(deviceAt(everyMs, perRequest, 1, START), prod, span, 1)))
  }
}
if (wanted.length === 0 || wanted.includes('compaction')) print('Compaction of a day of readings', [await compactionRow()])
if (measured.length > 0) print('Totals', totals(measured))
if (isRecording) {
  const others = readPublished().mixes.filter(({ name }) => !measured.some(each => each.name === name))
  const all = [...others, ...measured].sort((a, b) => (a.name < b.name ? -1 : 1))
  writeFileSync(PUBLISHED, `${JSON.stringify({ measured: new Date().toISOString().slice(0, 10), mixes: all }, null, 2)}\n`)
}

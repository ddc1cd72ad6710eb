import { LOCK_MS, reportsTable } from '../../lambdas/reports/dynamodb.ts'
import { lossyTable } from '../fakes/lossy-table.ts'

const NOW = Date.parse('2026-11-01T06:00:00Z')

function aTable() {
  const { client, loseResponse } = lossyTable('run')
  const table = reportsTable('t', client)
  const lock = (owner: string, now = NOW) => table.lock('enriched-actions', 'at#1', owner, now, true)
  return { ...table, lock, loseResponse }
}

test('a run has its lock if the response of the put was lost, so that the SDK sent it again', async () => {
  const { lock, loseResponse, finish } = aTable()
  loseResponse()
  expect(await lock('run-1')).toEqual({ state: 'taken' })
  expect(await lock('run-2')).toEqual({ state: 'held', until: NOW + LOCK_MS })
  expect(await finish('enriched-actions', 'at#1', 'run-1', { rows: 2 })).toBe(true)
  expect(await lock('run-2')).toEqual({ state: 'done', result: { rows: 2 } })
})

test('so it does if it takes the lock of a dead run', async () => {
  const { lock, loseResponse } = aTable()
  await lock('run-1')
  loseResponse()
  expect(await lock('run-2', NOW + LOCK_MS + 1)).toEqual({ state: 'taken' })
})

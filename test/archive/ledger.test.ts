import { archiveLedger, type LedgerDay } from '../../lambdas/archive/dynamodb.ts'
import { lossyTable } from '../fakes/lossy-table.ts'

const first: LedgerDay = { dt: '2026-11-01', version: 1, run: 'run-1', switched: 1, compacted: 1 }

test('a day is changed by a put whose response was lost, so that the SDK sent it again', async () => {
  const { client, loseResponse } = lossyTable('dt')
  const ledger = archiveLedger('t', client)
  const second = { ...first, version: 2, registered: 'run-1' }
  for (const day of [first, second]) {
    loseResponse()
    expect(await ledger.put(day)).toBe(true)
  }
  expect(await ledger.day('2026-11-01')).toEqual({ ...first, version: 2, registered: 'run-1' })
})

test('a day that another run has changed is not changed', async () => {
  const ledger = archiveLedger('t', lossyTable('dt').client)
  await ledger.put(first)
  expect(await ledger.put({ ...first, run: 'run-2' })).toBe(false)
  await ledger.put({ ...first, version: 2, registered: 'run-1' })
  expect(await ledger.put({ ...first, version: 2, settled: true })).toBe(false)
})

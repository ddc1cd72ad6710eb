import { userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, WindowDelta } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { newTable } from '../fixtures/new-table.ts'

const CHANGED_SECONDS = 1_700_000_000
const MINUTE_MS = 60_000
const state = { events: 1, temperature: [20], duration: [1] }
const deltaOf = (projection: string): WindowDelta => ({ projection, start: 0, order: 1_700_000_000_000_000, state })

/** Merges one change with a known delta and one of this projection, some minutes after the change. */
async function merge(projection: string, minutes: number) {
  const written: PartItem[] = []
  const quarantined: QuarantinedEvent[] = []
  const outbox = [deltaOf('device-minutes-r2'), deltaOf(projection)]
  const NewImage = userAttributes(aUserItem('a', { version: 1_700_000_000_000_000, outbox }))
  const merging = mergeBatch([{ dynamodb: { ApproximateCreationDateTime: CHANGED_SECONDS, NewImage } }], {
    table: {
      ...newTable,
      putPart: async item => {
        written.push(item)
        return 'written'
      },
    },
    quarantine: { add: async events => void quarantined.push(...events) },
    projections: [{ ...deviceMinutes, revision: 2 }],
    lifetime: { latenessMs: undefined, retentionMs: 0 },
    telemetry: { count: () => undefined, annotate: () => undefined },
    now: () => CHANGED_SECONDS * 1000 + minutes * MINUTE_MS,
  })
  const [result] = await Promise.allSettled([merging])
  return { result: result?.status, written: written.map(({ projection: key }) => key), quarantined }
}

test.each(['device-minutes-r3', 'visits-r1', 'odd'])('a delta of %s, which only newer code knows, is waited for', async key => {
  expect(await merge(key, 14.9)).toEqual({ result: 'rejected', written: ['device-minutes-r2'], quarantined: [] })
})

test('after 15 minutes a delta that no code knows is quarantined, with everything to merge it', async () => {
  const { quarantined, ...rest } = await merge('visits-r1', 15)
  expect(rest).toEqual({ result: 'fulfilled', written: ['device-minutes-r2'] })
  expect(quarantined).toEqual([
    expect.objectContaining({
      code: 'not_merged',
      message: expect.stringContaining('visits-r1'),
      received: 1_700_000_000_000,
      body: JSON.stringify({ projection: 'visits-r1', start: 0, user: 'a', ord: 1_700_000_000_000_000, state }),
    }),
  ])
})

test.each([0, 20])('a delta of a retired revision is neither waited for nor quarantined, after %d minutes', async minutes => {
  expect(await merge('device-minutes-r1', minutes)).toEqual({
    result: 'fulfilled',
    written: ['device-minutes-r2'],
    quarantined: [],
  })
})

import { planWrites } from '../../../lambdas/state/plan-writes.ts'
import { perUserWindow } from '../../../shared/grains/user-window.ts'
import { parseWindowText, windowText } from '../../../shared/grains/window-time.ts'
import type { Projection } from '../../../shared/projection.ts'
import { deviceMinutes } from '../../../shared/projections/device-minutes.ts'
import { aReading } from '../../fixtures/builders.ts'
import { aStoredUser, memory } from '../../fixtures/memory.ts'

const DAY = 86_400
const FIRST_SECOND = -62_135_596_800
const LAST_SECOND = 253_402_300_799
const RECEIVED = 1_700_000_000_000

function foldAt(timestamp: number, window: number) {
  const [write] = planWrites(
    aStoredUser('1'),
    [
      {
        sequenceNumber: '1',
        received: RECEIVED,
        arrived: RECEIVED,
        events: [aReading({ timestamp }, { subject: '1' })],
        positions: [0],
        erasure: false,
      },
    ],
    {
      projections: [perUserWindow({ ...deviceMinutes, window }) as Projection],
      memory,
      latenessMs: undefined,
      retentionMs: 0,
    },
  )
  return { starts: write?.item.outbox.map(({ start }) => start), rejections: write?.rejections }
}

test.each([
  ['milliseconds instead of seconds', RECEIVED, 60],
  ['microseconds instead of seconds', RECEIVED * 1000, 60],
  ['a week that begins in the year 0', FIRST_SECOND, 7 * DAY],
  ['a week that ends in the year 10000', LAST_SECOND, 7 * DAY],
  ['no number', Number.NaN, 60],
])('an event whose window is not in the years 0001 to 9999 is rejected: %s', (_, timestamp, window) => {
  const { starts, rejections } = foldAt(timestamp, window)
  expect(starts).toEqual([])
  const reason = 'device-minutes-r1: The window of the event is not in the years 0001 to 9999.'
  expect(rejections).toMatchObject([{ code: 'projection_failed', reason }])
})

test.each([FIRST_SECOND, LAST_SECOND])('the first and the last minute are windows, and keys contain them: %d', timestamp => {
  const [start = Number.NaN] = foldAt(timestamp, 60).starts ?? []
  expect(start).toBe(Math.floor(timestamp / 60) * 60)
  expect(parseWindowText(windowText('p-r1', start))).toEqual({ projection: 'p-r1', start })
})

test('a start that cannot be read throws', () => {
  expect(() => parseWindowText('window#p-r1#+058376-06-04T01:46Z')).toThrow('cannot be read')
  expect(parseWindowText('state')).toBeUndefined()
})

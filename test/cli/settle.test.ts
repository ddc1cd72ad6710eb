import type { Status } from '../../cli/status/settled.ts'
import { settle, settleWhileItChanges } from '../../cli/status.ts'

const status = (change: Partial<Status>): Status => ({
  settled: false,
  accepted: 9,
  folded: 0,
  archived: 0,
  indexed: 0,
  quarantined: 0,
  ...change,
})

/** Reads these statuses, then the last one again and again. */
const reader = (statuses: readonly Status[]) => {
  const left = [...statuses]
  return async (): Promise<Status> => (left.length > 1 ? left.shift() : left[0]) ?? status({})
}
const progress = [0, 3, 6, 9].map(folded => status({ folded, settled: folded === 9 }))

test.concurrent('a status that changes is waited for, longer than it may stay the same', async () => {
  const seen: number[] = []
  expect(await settleWhileItChanges(reader(progress), 1.5, ({ folded }) => seen.push(folded))).toEqual(progress[3])
  expect(seen).toEqual([0, 3, 6, 9])
})

test.concurrent('a status that stays the same is given up', async () => {
  const stuck = [status({ folded: 3 }), status({ folded: 6 })]
  expect(await settleWhileItChanges(reader(stuck), 1.5, () => undefined)).toEqual(stuck[1])
})

test.concurrent('with a time limit, a status is given up although it changes', async () => {
  expect(await settle(reader(progress), 1.5, () => undefined)).toEqual(progress[1])
})

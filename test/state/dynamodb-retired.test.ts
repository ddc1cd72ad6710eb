import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { completeUpTo } from '../../lambdas/state/dynamodb-retired.ts'
import type { RetiredDelta } from '../../shared/state.ts'
import { Table } from '../simulation/table.ts'

const deltaOf = (order: number, user = 'anna', start = 0): RetiredDelta => ({
  ...{ projection: 'own-r1', start, user, order, state: [order], erasedOrder: 0 },
})

/** The state table whose queries return these pages, one after another. */
function answering(...pages: readonly (readonly RetiredDelta[])[]) {
  const left = [...pages]
  const query = async function* () {
    const page = left.shift()
    if (!page) throw new Error('No more queries are expected.')
    yield { Items: page.map(delta => ({ delta: { S: JSON.stringify(delta) } })) }
  }
  const { readRetired } = stateTable('t', { ...new Table().operations(), query })
  return { read: async () => (await readRetired('own-r1')).map(({ user, order }) => `${user} ${order}`), left }
}

test('a delta that a query missed is read before the later one that it saw', async () => {
  const { read, left } = answering([deltaOf(2)], [deltaOf(1), deltaOf(2)])
  expect(await read()).toEqual(['anna 1', 'anna 2'])
  expect(left).toEqual([])
})

test('a later delta that only the second query saw is read by the next call', async () => {
  const { read } = answering([deltaOf(1)], [deltaOf(1), deltaOf(3)])
  expect(await read()).toEqual(['anna 1'])
})

test('deltas that replaced all that the first query saw are compared with a third query', async () => {
  const { read, left } = answering([deltaOf(1)], [deltaOf(5)], [deltaOf(4), deltaOf(5), deltaOf(6)])
  expect(await read()).toEqual(['anna 4', 'anna 5'])
  expect(left).toEqual([])
})

test('deltas that another invocation merged meanwhile are not there any more', async () => {
  const { read, left } = answering([deltaOf(1)], [])
  expect(await read()).toEqual([])
  expect(left).toEqual([])
})

test('a partition without deltas is read once', async () => {
  const { read } = answering([])
  expect(await read()).toEqual([])
})

test('a second read is complete up to the last delta that the first read saw of a window and user', () => {
  const first = [deltaOf(2), deltaOf(7), deltaOf(4, 'bob'), deltaOf(3, 'anna', 60)]
  const others = [deltaOf(5, 'bob'), deltaOf(1, 'carl'), deltaOf(9, 'anna', 60), deltaOf(1, 'bob', 60)]
  const complete = [deltaOf(1), deltaOf(7), deltaOf(2, 'bob'), deltaOf(4, 'bob'), deltaOf(3, 'anna', 60)]
  expect(completeUpTo(first, [...complete, ...others])).toEqual(complete)
  expect(completeUpTo([], complete)).toEqual([])
})

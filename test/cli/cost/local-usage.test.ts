import { type Invocation, localUsage } from '../../../cli/cost/local-usage.ts'

const invocation = (service: string, facts: Partial<Invocation> = {}): Invocation => ({
  ...{ service, line: '{}', milliseconds: 10, records: 0, accepted: 0 },
  ...facts,
})
const item = (pk: string, sk: string, bytes: number) => ({ pk: { S: pk }, sk: { S: sk }, st: { S: 'x'.repeat(bytes) } })

test('write units are the puts that the readers of the table saw, by the sizes of their items, the positions of batches and the pages', () => {
  const { events, parts } = localUsage({
    invocations: [
      invocation('ingest', { accepted: 7 }),
      invocation('state', { records: 5 }),
      invocation('windows', { records: 4 }),
      // 4 puts of users, 1 position and 6 puts of windows.
      invocation('index-documents', { records: 11 }),
    ],
    recordBytes: [600, 30_000],
    stateItems: [item('user#a', 'state', 1500), item('user#a', 'window#p#1', 100), item('shard#1', 'progress', 60)],
    pages: [item('a', 'p1', 2000)],
    memory: { ingest: 512, state: 1769, windows: 1024, 'index-documents': 1024 },
  })
  expect(events).toBe(7)
  expect(parts['state']).toMatchObject({ writeUnits: 4 * 2 + 1 + 2, readUnits: 4, invocations: 1 })
  expect(parts['windows']).toMatchObject({ writeUnits: 6, readUnits: 6 })
  expect(parts['stream']?.putUnits).toBe(3)
  expect(parts['archive']?.firehoseGb).toBe((5120 + 30_720) / 2 ** 30)
  expect(parts['api']).toEqual({ apiRequests: 1 })
  expect(parts['ingest']?.computeGbSeconds).toBe(0.005)
})

import { foldedUpTo, isAbout, rangesOf, withShards } from '../../cli/logs/ranges.ts'
import { readAge, sentence } from '../../cli/logs.ts'
import { rangesByShard } from '../../lambdas/ingest/plan-records.ts'

test('an age is a number and a unit', () => {
  expect(['30s', '10m', '2h', '1d'].map(readAge)).toEqual([30_000, 600_000, 7_200_000, 86_400_000])
  for (const text of ['10', 'm', '-1m', '1w', '1.5h']) expect(() => readAge(text)).toThrow('a number and a unit')
})

test('a log line is printed as fields, without those for CloudWatch', () => {
  const text = '{"_aws":{"Timestamp":1},"service":"state","from":"7","EventsFolded":3}'
  expect(sentence({ function: 'state', at: 0, text })).toBe('1970-01-01T00:00:00.000Z state            from=7 EventsFolded=3')
})

test('nested fields are printed as JSON', () => {
  const text = '{"service":"ingest","codes":{"invalid_event":3}}'
  expect(sentence({ function: 'ingest', at: 0, text })).toMatch(/ codes=\{"invalid_event":3\}$/)
})

test('a line that is not JSON is printed unchanged', () => {
  expect(sentence({ function: 'query', at: 0, text: 'Task timed out' })).toBe(
    '1970-01-01T00:00:00.000Z query            Task timed out',
  )
})

const request = {
  apiRequestId: 'r-1',
  stored: rangesByShard([
    { shard: 's0', sequence: '98' },
    { shard: 's1', sequence: '7' },
    { shard: 's0', sequence: '102' },
  ]),
}
const batch = (shard: string, from: string, to: string) => ({ records: 9, shard, from, to })
const change = (foldedFrom: string, foldedTo: string) => ({ records: 9, from: '1', to: '2', foldedFrom, foldedTo })

test.each<[string, boolean, Record<string, unknown>]>([
  ['a batch that contains one of its records', true, batch('s0', '90', '98')],
  ['a batch that starts between its records', true, batch('s0', '100', '500')],
  ['a batch in its other shard', true, batch('s1', '7', '7')],
  ['a batch before them', false, batch('s0', '1', '97')],
  ['a batch after them', false, batch('s0', '103', '200')],
  ['the same sequence numbers in a shard without its records', false, batch('s2', '7', '200')],
  ['an invocation without records', false, { apiRequestId: 'r-2' }],
])('a request is followed to the batches of its records: %s', (_, expected, fields) => {
  expect(isAbout(fields, rangesOf(request))).toBe(expected)
})

test('it is also followed to states that a later record of the same batch changed', () => {
  const [first, second] = [batch('s0', '90', '120'), batch('s0', '121', '300')]
  const folded = foldedUpTo(rangesOf(request), [first, second])
  expect(folded).toEqual([
    { from: '98', to: '120' },
    { from: '7', to: '7' },
  ])
  expect(isAbout(change('110', '115'), folded)).toBe(true)
  expect(isAbout(change('121', '300'), folded)).toBe(false)
})

test('the last record of a state is found in the request that sent it, by the shard of its batch', () => {
  const record = withShards({ from: '100', to: '100' }, [batch('s0', '90', '120'), batch('s1', '200', '300')])
  expect(record).toEqual([{ shard: 's0', from: '100', to: '100' }])
  expect(isAbout(request, record)).toBe(true)
  expect(isAbout({ stored: [{ shard: 's1', from: '100', to: '100' }] }, record)).toBe(false)
})

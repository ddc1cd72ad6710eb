import { readAge, sentence } from '../cli/logs.ts'

test('a time back is a number and its unit', () => {
  expect(['30s', '10m', '2h', '1d'].map(readAge)).toEqual([30_000, 600_000, 7_200_000, 86_400_000])
  for (const text of ['10', 'm', '-1m', '1w', '1.5h']) expect(() => readAge(text)).toThrow('a number and a unit')
})

test('a call is told by its facts, without what only CloudWatch reads', () => {
  const text = '{"_aws":{"Timestamp":1},"service":"state","from":"7","EventsFolded":3}'
  expect(sentence({ function: 'state', at: 0, text })).toBe('1970-01-01T00:00:00.000Z state            from=7 EventsFolded=3')
})

test('a line that is no JSON stands as it is', () => {
  expect(sentence({ function: 'query', at: 0, text: 'Task timed out' })).toBe(
    '1970-01-01T00:00:00.000Z query            Task timed out',
  )
})

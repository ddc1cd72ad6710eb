import { compactionOf, sentenceOf } from '../../cli/compact/result.ts'

const counts = {
  ...{ 'days compacted': 2, 'objects before': 288, 'bytes before': 3 * 2 ** 20 },
  ...{ 'objects after': 1, 'bytes after': 10_000 },
}

test('the counts of the job are the days, and their objects before and after', () => {
  expect(compactionOf(counts)).toEqual({
    ...{ days: 2, before: { objects: 288, bytes: 3 * 2 ** 20 }, after: { objects: 1, bytes: 10_000 } },
    ...{ tooLarge: 0, failed: 0, expired: 0 },
  })
  expect(sentenceOf(compactionOf(counts))).toBe('2 days compacted: 288 objects with 3.0 MB became 1 object with 10 KB.')
})

test('without counts everything is 0, in the same shape', () => {
  const none = { objects: 0, bytes: 0 }
  expect(compactionOf({})).toEqual({ days: 0, before: none, after: none, tooLarge: 0, failed: 0, expired: 0 })
  expect(sentenceOf(compactionOf({}))).toBe('No closed day has new objects.')
})

test('days that stay raw or expire are named', () => {
  const others = { 'days too large': 1, 'days failed': 2, 'days expired': 3 }
  expect(sentenceOf(compactionOf({ ...counts, ...others }))).toMatch(
    / became 1 object with 10 KB\. 1 day too large for the function, 2 days failed, 3 days expired\.$/,
  )
})

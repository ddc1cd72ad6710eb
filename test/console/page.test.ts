import { buildConsole } from '../../console/build.ts'
import { count, duration, instant, metricsInterval } from '../../console/format.ts'
import { csvHeader, csvRows } from '../../shared/csv.ts'

const page = buildConsole()

test('the build is deterministic', () => {
  expect(buildConsole()).toBe(page)
})

test('the page is smaller than 150 kB and refers to no other host', () => {
  expect(page.length).toBeLessThan(150_000)
  const urls = [...page.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([url]) => url)
  expect(urls.filter(url => !url.startsWith('http://www.w3.org/'))).toEqual([])
  expect(page).not.toMatch(/<script[^>]+src=|<link[^>]+stylesheet/)
})

test('the page has exactly one script and one style element', () => {
  expect(page.match(/<script/g)).toHaveLength(1)
  expect(page.match(/<style/g)).toHaveLength(1)
  expect(page.indexOf('</script>')).toBe(page.lastIndexOf('</script>'))
})

test('a duration has a readable unit', () => {
  expect([0.25, 42, 180, 7200, 200_000, null].map(duration)).toEqual(['0.3 s', '42 s', '3 min', '2 h', '2 d', '–'])
})

test('numbers have separators, and a missing number is a dash', () => {
  expect([1234.4, 0, null, undefined].map(count)).toEqual(['1,234', '0', '–', '–'])
})

test('an instant is shown in UTC, and an invalid one unchanged', () => {
  expect([instant('2026-01-31T12:00:00+02:00'), instant('soon')]).toEqual(['2026-01-31 10:00:00', 'soon'])
})

test('CSV quotes cells that need it, and no text cell is a formula', () => {
  const rows = [
    { a: 'x,"y"\n', b: -1.5, c: null },
    { a: '=1+1', b: 2, c: '@x' },
  ]
  const columns = ['a', 'b', 'c']
  expect(csvHeader(columns) + csvRows(rows, columns)).toBe('a,b,c\r\n"x,""y""\n",-1.5,\r\n\'=1+1,2,\'@x\r\n')
})

test('the metrics of a stage are read once a minute, because CloudWatch bills each read; those of the local cloud more often', () => {
  expect(['abc.execute-api.eu-west-1.amazonaws.com', 'events.example.com'].map(metricsInterval)).toEqual([60_000, 60_000])
  expect(['127.0.0.1', 'localhost'].map(metricsInterval)).toEqual([5_000, 5_000])
})

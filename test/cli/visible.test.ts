import { jest } from '@jest/globals'
import { sentence } from '../../cli/logs.ts'
import { printJson } from '../../cli/options.ts'
import { showProgress } from '../../cli/progress.ts'
import { formatTable } from '../../cli/table.ts'
import { visible, visibleLines } from '../../cli/visible.ts'

/** What clients sent: a colour, a window title, a cleared screen, C1's CSI, backspace, delete, bidi override, isolate, a tag. */
const hostile = '\u001b[31m\u001b]0;owned\u0007\u001b[2J\u009b1A\b\u007f\u202egpj\u2066x\u200b\ufeff\u{e0041}\u2028\ud800'

/** Characters that move the cursor, or that change other text unseen. A line feed ends the output of a command. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029\u200b\ufeff\u{e0000}-\u{e007f}]/u

test('every control, bidi and escape character becomes an escape of JSON; other text does not change', () => {
  expect(visible(hostile)).not.toMatch(UNSEEN)
  expect(visible('\u001b[2J\r\nfake\tline\u0007\u009b\u202e')).toBe('\\u001b[2J\\r\\nfake\\tline\\u0007\\u009b\\u202e')
  expect(visible('\u{e0041}')).toBe('\\udb40\\udc41')
  for (const text of ['Zoë, Ελλάδα, 日本, عربي', '👩‍👩‍👧', "C:\\n 'x'"]) expect(visible(text)).toBe(text)
  for (let code = 0; code < 0xffff; code++) expect(visible(String.fromCharCode(code))).not.toMatch(UNSEEN)
  expect(visibleLines('a\u001b\nb\u009b')).toBe('a\\u001b\nb\\u009b')
})

test('a table keeps its rows and columns, whatever is in a cell', () => {
  const table = formatTable(
    [
      { id: 1, text: `a\nfake 2 row\r${hostile}` },
      { id: 2, text: { deep: hostile } },
    ],
    ['id', 'text'],
  )
  expect(table.split('\n')).toHaveLength(3)
  expect(table.replaceAll('\n', '')).not.toMatch(UNSEEN)
  const [, first = '', second = ''] = formatTable(
    [
      { a: '\u001b[1m', b: 1 },
      { a: 'x', b: 22 },
    ],
    ['a', 'b'],
  ).split('\n')
  expect(first.length).toBe(second.length)
})

test('JSON that a command prints has no unseen characters and is the same value', () => {
  const log = jest.spyOn(console, 'log').mockImplementation(() => {})
  const value = { [hostile]: [hostile], plain: 'é' }
  printJson(value)
  printJson(value, 2)
  const printed = log.mock.calls.map(([text]) => String(text))
  log.mockRestore()
  expect(printed.map(text => JSON.parse(text))).toEqual([value, value])
  expect(printed[0]).not.toMatch(UNSEEN)
  expect(printed[1]?.replaceAll('\n', '')).not.toMatch(UNSEEN)
})

test('a log line and progress are one line each', () => {
  const texts = [hostile, JSON.stringify({ a: hostile, b: 'x\ny', c: { d: hostile } }), 'two\nlines']
  for (const text of texts) expect(visible(sentence({ function: 'ingest', at: 0, text }))).not.toMatch(UNSEEN)
  const written: string[] = []
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream
  const progress = showProgress(`send ${hostile}`, 1, stream)
  progress.say(`waiting: ${hostile}\nfake`)
  progress.at(1, hostile)
  for (const line of written) expect(line.slice(0, -1)).not.toMatch(UNSEEN)
  expect(written).toHaveLength(2)
})

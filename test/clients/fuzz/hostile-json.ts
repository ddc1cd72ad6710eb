import type { Dice } from '../../../cli/simulators/simulator.ts'

const strings = [
  '""',
  '"a"',
  '"u1"',
  '"2026-01-31T12:00:00Z"',
  '"9999-12-31T23:59:60Z"',
  '"\\ud83d"',
  '"\\ude00x"',
  '"\\u0000"',
  '"\u{1f600}"',
  '"__proto__"',
  '"constructor"',
  '"../../etc/passwd"',
  '"millrace.erasure"',
  '"_all"',
  '"*"',
] as const
const numbers = ['0', '-0', '1e999', '-1e999', '1e308', '5e-324', '12345678901234567890', '253402300800', '1.5', '-62135596801']
const others = ['null', 'true', 'false', '[]', '{}']
const names = [
  'id',
  'type',
  'data',
  'time',
  'subject',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '',
  '\\ud800',
  'Id',
  'traits',
]

/** Stands for bytes that are not UTF-8, which a text cannot contain: `withBadBytes` replaces it. */
const BAD_BYTES = '\ue000'
const badBytes = ['e9', 'ff', 'c0af', 'eda080', 'f5808080', 'c3'].map(hex => Buffer.from(hex, 'hex'))

/** A JSON text with bytes in one of its strings that are not UTF-8. */
export const notUtf8 = (dice: Dice): string => dice.oneOf([`{"type":"${BAD_BYTES}"}`, `"${BAD_BYTES}"`, `{"${BAD_BYTES}":1}`])

/** The bytes of a text; what `notUtf8` marked becomes bytes that are not UTF-8. */
export function withBadBytes(text: string, dice: Dice): Buffer {
  const [first = '', ...others] = text.split(BAD_BYTES)
  return Buffer.concat([Buffer.from(first), ...others.flatMap(part => [dice.oneOf(badBytes), Buffer.from(part)])])
}

/** Names that break paths, indices, terminals and spreadsheets. All are valid names of events. */
export const oddNames = [
  'signup',
  'a/b',
  '../../etc/passwd',
  '..',
  '.',
  '%2e%2e%2f',
  '100%',
  'a b',
  ' ',
  '\u0001\u001b[31m',
  '\r\n',
  '\u202e',
  '\u{1f600}',
  '*',
  '_all',
  '__proto__',
  'constructor',
  '=1+1',
  '#',
  '?x=1&y',
  'UPPER',
  'x'.repeat(100),
] as const

/** The text of a JSON value that may break programs: duplicate and magic names, lone surrogates, huge and deeply nested values. */
export function hostileJson(dice: Dice, depth = 0): string {
  if (dice.happens(400)) return nested(dice.integer(1, 20_000))
  if (dice.happens(200)) return `"${'x'.repeat(dice.integer(0, 70_000))}"`
  if (dice.happens(300)) return `{${Array.from({ length: dice.integer(1, 4_000) }, (_, i) => `"k${i}":0`)}}`
  if (depth > 4 || dice.happens(2)) return dice.oneOf(dice.oneOf([strings, numbers, others]))
  const inner = Array.from({ length: dice.integer(0, 4) }, () => hostileJson(dice, depth + 1))
  if (dice.happens(3)) return `[${inner}]`
  const space = dice.oneOf(['', ' ', '\t '])
  return `{${inner.map(text => `${space}"${dice.oneOf(names)}":${space}${text}`)}}`
}

const nested = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`

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

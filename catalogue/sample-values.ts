import * as z from 'zod/mini'
import { seeded } from './seeded.ts'

/** Texts of the forms that definitions tell apart: words, names, dates, times, addresses, numbers and texts that look empty. */
const TEXTS = [
  ...['a', 'b', 'c', 'ab', 'A b', 'é', '東京', 'x'.repeat(100), '', ' ', 'null', 'true', '0', '1', '42', '-1', '1.5', '=1+1'],
  ...['male', 'female', ' Female ', 'ok', 'active', 'idle', 'error', 'click', 'scroll', 'hover', 'page_view', 'button_click'],
  ...['pageview', 'engagement', 'homepage', 'about', 'checkout', '/pricing', '/docs', 'https://example.com/a?b=c'],
  ...['france', 'PERU', ' united  kingdom ', 'US', 'a@example.com', ' B@Example.com', 'id:7', '192.168.0.1', '::1', '10.0.0.256'],
  ...['2026-01-05', '2026/1/5', '31/12/2025', '1-2-2026', '5 jan 2026', '2026-02-30', '2025-12-31 23:59:59'],
  ...['2026-01-05 10:20:30', '2026-01-05 10:20:30.25', '2026-01-05T10:20:30Z', '5f3c1b1e-7a38-4f0e-9c55-0b1c2d3e4f5a'],
]

const START_OF_2026 = 1_767_225_600
const NULL_IN = 5
const ATTEMPTS = 20

/** A number: mostly small, so that users and windows get several events, else seconds or milliseconds of 2026, negative or large. */
function sampleNumber(seed: string, isInteger: boolean): number {
  const [kind, small, seconds] = [seeded(`${seed}#kind`, 20), seeded(`${seed}#small`, 10), seeded(`${seed}#seconds`, 600)]
  const fraction = isInteger ? 0 : seeded(`${seed}#fraction`, 1000) / 1000
  if (kind < 11) return small + fraction
  if (kind < 15) return seconds + fraction
  if (kind < 17) return START_OF_2026 + seconds + fraction
  if (kind < 18) return (START_OF_2026 + seconds) * 1000
  return kind < 19 ? -small - fraction : 2 ** 40 + small
}

interface Definition {
  readonly type: string
  readonly format?: string
  readonly innerType?: z.ZodMiniType
  readonly entries?: Readonly<Record<string, unknown>>
  readonly values?: readonly unknown[]
  readonly options?: readonly z.ZodMiniType[]
}

const textsOf = new WeakMap<z.ZodMiniType, readonly string[]>()

/** The texts that the checks of the schema accept. */
function validTexts(schema: z.ZodMiniType): readonly string[] {
  const known = textsOf.get(schema) ?? TEXTS.filter(value => z.safeParse(schema, value).success)
  textsOf.set(schema, known)
  return known
}

const pick = (values: readonly unknown[], seed: string): unknown => values[seeded(seed, values.length)]

/** A value that the schema accepts, which depends on the seed only; undefined if none is found. */
export function sampleValue(schema: z.ZodMiniType, seed: string): unknown {
  const { type, format, innerType, entries, values, options } = schema._zod.def as unknown as Definition
  if (innerType) return seeded(`${seed}#null`, NULL_IN) === 0 && accepts(schema, null) ? null : sampleValue(innerType, seed)
  if (entries) return pick(Object.values(entries), seed)
  if (values) return pick(values, seed)
  if (options) return sampleValue(pick(options, seed) as z.ZodMiniType, `${seed}#option`)
  if (type === 'boolean') return seeded(seed, 2) === 0
  if (type === 'string') return pick(validTexts(schema), seed)
  if (type !== 'number') return undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const value = sampleNumber(`${seed}#${attempt}`, format === 'safeint')
    if (accepts(schema, value)) return value
  }
  return undefined
}

const accepts = (schema: z.ZodMiniType, value: unknown): boolean => z.safeParse(schema, value).success

/** This folder imports nothing of the product: a bug of the product cannot hide in the code that checks it. */

export type Row = Readonly<Record<string, unknown>>

export interface SentFile {
  readonly type: 'page_visit' | 'app_action' | 'user_record' | 'interaction' | 'reading'
  /** In sending order. */
  readonly lines: readonly string[]
}

/** The row of a line; an empty one where the line is not JSON. */
export function parse(line: string): Row {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}

export const isName = (value: unknown): boolean => typeof value === 'string' && value.length >= 1 && value.length <= 128
export const isText = (value: unknown): boolean => typeof value === 'string'
export const isTextOrNull = (value: unknown): boolean => value == null || typeof value === 'string'
export const isNumberOrNull = (value: unknown): boolean => value == null || Number.isFinite(value)
export const isIntegerOrNull = (value: unknown): boolean => value == null || Number.isSafeInteger(value)

/** Compares by UTF-8 bytes. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** How often each value occurs. */
export function countOf<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** `YYYY-MM-DDTHH:MM:SSZ` of the minute that holds these epoch seconds. */
export const minuteOf = (seconds: number): string => `${new Date(Math.floor(seconds / 60) * 60_000).toISOString().slice(0, 19)}Z`

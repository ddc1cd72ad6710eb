/** The parts of JSON for the text of numbers. The types of the compiler's library do not have them yet. */
interface NumberText {
  parse(text: string, reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
}

const json = JSON as unknown as NumberText

/**
 * A smaller integer is exact as a number: the first that is not has 16 digits and begins with 9. So the order numbers of outboxes
 * do not match. Digits in strings may match; that costs time only.
 */
const LONG_INTEGER = /9\d{15}|\d{17}/
const INTEGER = /^-?\d+$/

/** Whether the text may have an integer that a number would change. */
export const hasLongIntegers = (text: string): boolean => LONG_INTEGER.test(text)

/**
 * Parses JSON like JSON.parse, except that an integer that a number would change keeps its digits: it becomes an object that
 * JSON.stringify writes as these digits. Throws if the text is not JSON.
 */
export function parseExact(text: string): unknown {
  if (!hasLongIntegers(text)) return JSON.parse(text)
  try {
    return json.parse(text, withDigits)
  } catch (error) {
    // The reviver recurses, and the text may be nested more deeply than the call stack. No such value is stored.
    if (error instanceof RangeError) return JSON.parse(text)
    throw error
  }
}

/** The value that was parsed from the text, with the digits of its integers. */
export const withExactIntegers = (value: unknown, text: string): unknown =>
  value === undefined || !hasLongIntegers(text) ? value : parseExact(text)

function withDigits(_name: string, value: unknown, { source = '' }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isFinite(value)) return value
  // The numbers of states are doubles, and JSON.stringify writes large ones as plain digits: they stay numbers.
  return INTEGER.test(source) && String(value) !== source ? json.rawJSON(source) : value
}

/** Whether the value is an integer that keeps its digits. */
export const isExactInteger = (value: unknown): value is { readonly rawJSON: string } => json.isRawJSON(value)

/** The value as a number if it is an integer that keeps its digits. */
export const toNumber = (value: unknown): unknown => (isExactInteger(value) ? Number(value.rawJSON) : value)

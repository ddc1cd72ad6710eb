import { createHash } from 'node:crypto'
import { isExactInteger } from '../../../shared/exact-json.ts'

/** Properties that hold prose, which may change without changing the digests. */
const PROSE: ReadonlySet<string> = new Set(['message', 'help'])
/** The same for descriptions of the API and of schemas. */
export const DESCRIPTIONS: ReadonlySet<string> = new Set([...PROSE, 'description', 'summary', 'title', 'about'])

/** A stack frame in the description of an error: it depends on the checkout and on every line of code. */
const STACK_FRAME = / at (?:[^ ]+ (?:\[as [^\]]+\] )?)?\(?(?:file|node):[^ )]*:\d+:\d+\)?/g

/** The process that noted an attempt of a fold: each has a random name. */
const PROCESS_NAME = /"process":"[0-9a-f-]{36}"/g

/** A canonical text of a value: sorted keys, no prose, and a form for values that JSON lacks. */
function canonical(value: unknown, dropped: ReadonlySet<string> = PROSE): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `${value}n`
  if (isExactInteger(value)) return value.rawJSON
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.replaceAll(STACK_FRAME, '').replaceAll(PROCESS_NAME, ''))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof Date) return JSON.stringify(value.toISOString())
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  const inner = (each: unknown): string => canonical(each, dropped)
  if (value instanceof Set) return `[${[...value].map(inner)}]`
  if (value instanceof Map) return `[${[...value].map(inner)}]`
  if (Array.isArray(value)) return `[${value.map(inner)}]`
  const members = Object.entries(value)
    .filter(([name, member]) => !dropped.has(name) && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${inner(member)}`)}}`
}

/** The values of an internal structure without its property names, which are not a contract. */
export function unnamed(value: unknown): unknown {
  if (value instanceof Set || Array.isArray(value)) return [...value].map(unnamed)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.values(value)
    .map(unnamed)
    .sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

/** The value of a JSON text, or the text itself if it is not JSON. */
export function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return text
  }
}

/** The named outputs of a run. Each is a list of values, one per line. */
export class Outputs {
  readonly texts = new Map<string, string>()

  add(name: string, values: readonly unknown[], dropped: ReadonlySet<string> = PROSE): void {
    if (this.texts.has(name)) throw new Error(`There are two outputs with the name ${name}.`)
    this.texts.set(name, values.map(value => `${canonical(value, dropped)}\n`).join(''))
  }

  digests(): Record<string, string> {
    const digest = (text: string) => createHash('sha256').update(text).digest('hex')
    return Object.fromEntries([...this.texts].map(([name, text]) => [name, digest(text)]))
  }
}

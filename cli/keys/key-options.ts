import { type Command, InvalidArgumentError, Option } from 'commander'
import { isName, isTypeName } from '../../shared/event.ts'
import type { Allowed, KeyLimits, Quota } from '../../shared/keys.ts'
import { MAX_SOURCE_CHARACTERS } from '../../shared/limits.ts'
import { parseQuota } from '../../shared/quota.ts'

/** The options that limit a key, as commander names them. */
export interface LimitOptions {
  readonly types?: Allowed
  readonly source?: Allowed
  readonly origins?: Allowed
  readonly quota?: Quota
  readonly expires?: number
}

export const limitsOf = ({ types, source: sources, origins, quota, expires }: LimitOptions): KeyLimits => ({
  types,
  sources,
  origins,
  quota,
  expires,
})

export const withLimitOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--types <a,b>', "the event types that may be sent with it, or '*' for all").argParser(allowed(typeName)),
    )
    .addOption(
      new Option(
        '--source <a,b>',
        "a client key: the source of its events; a write key: the sources that its events may claim, or '*'",
      ).argParser(allowed(sourceName)),
    )
    .addOption(
      new Option('--origins <https://a,…>', "the origins of the web pages that may send with it, or '*' for all").argParser(
        allowed(origin),
      ),
    )
    .addOption(
      new Option('--quota <n/minute,n/day>', "how many events may be sent with it, or 'none'; 1 KB each").argParser(quota),
    )
    .addOption(new Option('--expires <when>', 'a day (2027-01-31), an instant, or a time from now (12h, 90d)').argParser(expiry))

const allowed =
  (valid: (value: string) => string) =>
  (text: string, earlier?: Allowed): Allowed => {
    if (text === '*') return '*'
    const values = text.split(',').map(value => valid(value.trim()))
    return [...new Set([...(earlier === '*' ? [] : (earlier ?? [])), ...values])]
  }

function typeName(text: string): string {
  if (isTypeName(text)) return text
  throw new InvalidArgumentError(`${text || 'An empty text'} is not the name of an event type.`)
}

function sourceName(text: string): string {
  if (isName(text, MAX_SOURCE_CHARACTERS)) return text
  throw new InvalidArgumentError(`A source has 1 to ${MAX_SOURCE_CHARACTERS} characters.`)
}

/** An origin as browsers send it: without a path, and without the default port. */
function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && url.origin !== 'null' && /^https?:\/\/[^/?#@]+\/?$/.test(text)) return url.origin
  throw new InvalidArgumentError(`${text || 'An empty text'} is not an origin; write it as in https://shop.example.com.`)
}

export function quota(text: string): Quota {
  const parsed = parseQuota(text)
  if (parsed) return parsed
  throw new InvalidArgumentError("Write it as in 6000/minute,1000000/day, or 'none'.")
}

const FROM_NOW = /^(\d{1,6})([hd])$/
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/
const HOUR_MS = 3_600_000

/** Milliseconds since 1970. */
export function expiry(text: string, _earlier?: number, now = Date.now()): number {
  const [, count, unit] = FROM_NOW.exec(text) ?? []
  const at = count ? now + Number(count) * (unit === 'h' ? 1 : 24) * HOUR_MS : DATE.test(text) ? Date.parse(text) : Number.NaN
  if (at > now) return at
  throw new InvalidArgumentError(
    'Give a day or an instant in the future, as in 2027-01-31, or a time from now, as in 12h or 90d.',
  )
}

import type { Quota } from './keys.ts'

export const NO_QUOTA: Quota = { minute: 'none', day: 'none' }

const PART = /^(\d{1,12})\/(minute|day)$/

/** The quota in a text such as `6000/minute,1000000/day`; a part that is missing is `none`. Undefined if it is not one. */
export function parseQuota(text: string): Quota | undefined {
  if (text === 'none') return NO_QUOTA
  const parts = text.split(',').map(part => PART.exec(part.trim()))
  if (parts.some(part => part === null || Number(part[1]) === 0)) return undefined
  const given = new Map(parts.map(part => [part?.[2], Number(part?.[1])]))
  return given.size === parts.length ? { minute: given.get('minute') ?? 'none', day: given.get('day') ?? 'none' } : undefined
}

export function formatQuota({ minute, day }: Quota): string {
  const parts = Object.entries({ minute, day }).flatMap(([unit, count]) => (count === 'none' ? [] : [`${count}/${unit}`]))
  return parts.length === 0 ? 'none' : parts.join()
}

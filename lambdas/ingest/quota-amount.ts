/** Events, and bytes of bodies. */
export interface Amount {
  readonly events: number
  readonly bytes: number
}

export const NOTHING: Amount = { events: 0, bytes: 0 }

const combine = (a: Amount, b: Amount, of: (a: number, b: number) => number): Amount => ({
  events: of(a.events, b.events),
  bytes: of(a.bytes, b.bytes),
})

export const plus = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x + y)
export const minus = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x - y)
export const lowest = (a: Amount, b: Amount): Amount => combine(a, b, Math.min)
export const highest = (a: Amount, b: Amount): Amount => combine(a, b, Math.max)
/** Rounded down to whole events and bytes. */
export const scale = ({ events, bytes }: Amount, factor: number): Amount => ({
  events: Math.floor(events * factor),
  bytes: Math.floor(bytes * factor),
})
export const fits = (a: Amount, into: Amount): boolean => a.events <= into.events && a.bytes <= into.bytes

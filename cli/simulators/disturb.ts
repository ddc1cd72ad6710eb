import type { Dice } from './simulator.ts'

/** One line in so many... */
const ONE_IN = { repeated: 100, malformed: 400, invalid: 400 }
/** A line is sent again while it is among so many last ones. */
const MEMORY = 200

/**
 * What careless clients make of good lines: some come again a little later, some are cut off, some lack their first field
 * behind the id. Every line but a repetition is different from all others.
 */
export function* disturb(lines: Iterable<string>, dice: Dice): Generator<string> {
  const sent: string[] = []
  for (const good of lines) {
    const line = dice.happens(ONE_IN.malformed) ? cutOff(good) : dice.happens(ONE_IN.invalid) ? withoutAField(good) : good
    yield line
    sent.push(line)
    if (sent.length > MEMORY) sent.shift()
    if (dice.happens(ONE_IN.repeated)) yield dice.oneOf(sent)
  }
}

const cutOff = (line: string): string => line.slice(0, -1)

function withoutAField(line: string): string {
  const { event_id, ...fields } = JSON.parse(line) as Record<string, unknown>
  const [, ...kept] = Object.entries(fields)
  return JSON.stringify({ event_id, ...Object.fromEntries(kept) })
}

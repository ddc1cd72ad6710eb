import type { Dice } from './simulator.ts'

/** How often a line is disturbed: one line in this many, on average. */
const ONE_IN = { repeated: 100, malformed: 400, invalid: 400 }
/** A line is repeated within this many lines. */
const MEMORY = 200

/**
 * Disturbs good lines as faulty clients do: some lines are repeated a little later, some are truncated, some lack their first
 * field after the id. Except for repetitions, all lines stay distinct.
 */
export function* addClientFaults(lines: Iterable<string>, dice: Dice): Generator<string> {
  const recent: string[] = []
  for (const good of lines) {
    const line = dice.happens(ONE_IN.malformed) ? truncated(good) : dice.happens(ONE_IN.invalid) ? withoutAField(good) : good
    yield line
    recent.push(line)
    if (recent.length > MEMORY) recent.shift()
    if (dice.happens(ONE_IN.repeated)) yield dice.oneOf(recent)
  }
}

const truncated = (line: string): string => line.slice(0, -1)

function withoutAField(line: string): string {
  const { event_id, ...fields } = JSON.parse(line) as Record<string, unknown>
  return JSON.stringify({ event_id, ...Object.fromEntries(Object.entries(fields).slice(1)) })
}

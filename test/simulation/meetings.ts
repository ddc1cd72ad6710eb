/** What can happen to a user between two commits of its item. */
const faults = [
  'throttled call',
  'response lost',
  'call carried out late',
  'partial read',
  'hot partition',
  'crash',
  'zombie',
  'old code',
  'deployment',
  'roll-back',
  'long wait',
  'resharding',
  'erasure',
  'repeated record',
  'replay',
  'replay without ids',
  'replayed delta',
  'replay broken off',
  'clock of ingest',
  'poison',
  'added type',
  'hang',
  'impure projection',
  'batch given up',
  'on-failure path',
  'passed over',
  'rejected delta',
  'rejected delta of a slot',
  'delta given up',
  'refused document',
  'size limit',
  'expiry',
] as const
export type Fault = (typeof faults)[number]

const USERS = ['a', 'b', 'c']

/** Collects which faults touched the same user between two commits of its item. */
export class Meetings {
  /** The sets of two faults and the counted sets of three of the run, as names joined with ` x `. */
  readonly met = new Set<string>()
  private readonly open = new Map<string, Set<Fault>>()

  touch(users: Iterable<string>, fault: Fault): void {
    for (const user of users) {
      const set = this.open.get(user) ?? new Set()
      this.open.set(user, set.add(fault))
    }
  }

  touchAll(fault: Fault): void {
    this.touch(USERS, fault)
  }

  /** Whether the fault touched one of these users since the last commit of its item. */
  isOpen(fault: Fault, users: readonly string[] = USERS): boolean {
    return users.some(user => this.open.get(user)?.has(fault))
  }

  commit(user: string): void {
    const touched = faults.filter(fault => this.open.get(user)?.has(fault))
    this.open.delete(user)
    for (const [at, first] of touched.entries()) for (const second of touched.slice(at + 1)) this.met.add(meeting(first, second))
    for (const triple of triples) if (triple.every(fault => touched.includes(fault))) this.met.add(meeting(...triple))
  }
}

const meeting = (...names: readonly Fault[]): string => names.join(' x ')

const triples: readonly (readonly Fault[])[] = [
  ['replay', 'deployment', 'response lost'],
  ['passed over', 'old code', 'response lost'],
  ['passed over', 'old code', 'zombie'],
  ['passed over', 'old code', 'on-failure path'],
  ['passed over', 'old code', 'batch given up'],
  ['added type', 'passed over', 'old code'],
  ['added type', 'old code', 'on-failure path'],
]

/** Any two faults can meet. Each pair must meet in one of this many runs, so that each is tested with every other. */
const RUNS_PER_MEETING = 1000

/** Prints how many of the runs had each meeting, fewest first, as TSV. Returns those that are too rare. */
export function printMeetings(runs: number, counts: ReadonlyMap<string, number>): string[] {
  const pairs = faults.flatMap((first, at) => faults.slice(at + 1).map(second => meeting(first, second)))
  const rows = [...pairs, ...triples.map(triple => meeting(...triple))].map(name => ({ name, met: counts.get(name) ?? 0 }))
  console.log(['faults', `of ${runs} runs`, 'of 1,000,000 runs'].join('\t'))
  for (const { name, met } of rows.sort((a, b) => a.met - b.met))
    console.log([name, met, Math.round((met / runs) * 1_000_000)].join('\t'))
  return rows.filter(({ met }) => met * RUNS_PER_MEETING < runs).map(({ name }) => name)
}

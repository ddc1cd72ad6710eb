import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readStores } from '../../cli/demo/stores.ts'
import type { ReportResult } from '../../cli/report.ts'
import type { Totals } from '../../cli/sending/deliver.ts'
import { simulatedLines } from '../../cli/simulate.ts'
import config from '../../cli/simulators/config.json' with { type: 'json' }
import { rollDice } from '../../cli/simulators/dice.ts'
import { disturb } from '../../cli/simulators/disturb.ts'
import type { Dice } from '../../cli/simulators/simulator.ts'
import type { Status } from '../../cli/status/settled.ts'
import { findTarget } from '../../cli/target.ts'
import { millraceJson } from '../command.ts'
import { differences, type Found } from './independent/compare.ts'
import type { Row, SentFile } from './independent/lines.ts'
import { recompute } from './independent/recompute.ts'

/** Lines arrive up to so many places away from their order. */
const DISORDER = 500
const DAY_MS = 86_400_000
/** Days from 0001 to 5740: each run has one of its own for windows over all users. */
const DAYS = 2 ** 21
const FIRST_DAY_MS = Date.parse('0001-01-01T00:00:00Z')
const SIMULATED_MS = Date.parse(config.start)
/** Of 20,000 simulated actions some lie behind it, and some more than three hours before it. */
const RUN_OF_REPORT = new Date(SIMULATED_MS + 4 * 3_600_000).toISOString()

/** Users, devices, ids and a day of this run only: other tests' events stand in the same stores. */
export interface Run {
  readonly seed: number
  readonly device: (name: string) => string
  readonly user: (id: number) => number
  /** Milliseconds since 1970 at which its day begins. */
  readonly day: number
}

export const newRun = (seed: number): Run => ({
  seed,
  device: name => `${seed}/${name}`,
  user: id => seed * 100 + id,
  day: FIRST_DAY_MS + (Math.floor(seed / 1000) % DAYS) * DAY_MS,
})

interface Workload {
  readonly type: SentFile['type']
  /** Makes a simulated row one of the run. */
  readonly own: (row: Row, run: Run) => Row
}

const workloads = {
  visits: { type: 'page_visit', own: (row, run) => ({ ...row, Id: run.user(Number(row['Id'])) }) },
  actions: { type: 'app_action', own: (row, run) => ({ ...row, user_id: run.user(Number(row['user_id'])) }) },
  users: {
    type: 'user_record',
    own: (row, run) => ({ ...row, arrived_at: run.day + Number(row['arrived_at']) - SIMULATED_MS }),
  },
  interactions: { type: 'interaction', own: row => row },
  readings: {
    type: 'reading',
    own: (row, run) => ({
      ...row,
      device_id: run.device(String(row['device_id'])),
      device_type: run.device(String(row['device_type'])),
    }),
  },
} as const satisfies Record<string, Workload>

/** A file of simulated events of this run: disorder, 1 % re-deliveries, malformed and invalid lines. */
export async function simulatedFile(simulator: keyof typeof workloads, count: number, run: Run): Promise<SentFile> {
  const { type, own }: Workload = workloads[simulator]
  const lines = await simulatedLines(simulator, { count, seed: run.seed }, 0)
  const rows = [...lines.map(line => own(JSON.parse(line) as Row, run))]
  return { type, lines: disordered(rows, rollDice(run.seed)) }
}

const disordered = (rows: readonly object[], dice: Dice): string[] => [
  ...disturb(
    rows
      .map((row, n) => ({ row, place: n + dice.integer(0, DISORDER) }))
      .sort((a, b) => a.place - b.place)
      .map(({ row }) => JSON.stringify(row)),
    dice,
  ),
]

/** Writes the lines into a folder; returns the path. */
export async function store(folder: string, { type, lines }: SentFile): Promise<string> {
  const file = path.join(folder, `${type}.jsonl`)
  await writeFile(file, lines.join('\n'))
  return file
}

export const send = (file: string, type: string, ...options: string[]): Promise<Totals> =>
  millraceJson<Totals>('send', file, '--type', type, ...options)

export const settled = (seconds: number): Promise<Status> => millraceJson<Status>('status', '--wait', String(seconds))

export const quarantined = async (): Promise<number> => (await millraceJson<{ total: number }>('quarantine', 'list')).total

/** Where the stores differ from what the specification makes of the files, as far as this run's users, devices, ids and day go. */
export async function differencesFrom(files: readonly SentFile[], run: Run, quarantinedBefore: number): Promise<string[]> {
  const durationP95 = await millraceJson<ReportResult>('report', 'duration-p95', '--date', config.start.slice(0, 10))
  const enrichedActions = await millraceJson<ReportResult>('report', 'enriched-actions', '--at', RUN_OF_REPORT)
  const found = await readStores(await findTarget(undefined), { durationP95, enrichedActions })
  return differences(recompute(files, Date.parse(RUN_OF_REPORT)), ofRun(found, run, quarantinedBefore))
}

function ofRun(found: Found, run: Run, quarantinedBefore: number): Found {
  const isOwnId = (text: string): boolean => text.includes(`-${run.seed}-`)
  const isOwnDevice = (name: string): boolean => name.startsWith(run.device(''))
  const isOwnUser = (id: number): boolean => id >= run.user(0) && id < run.user(100)
  const isOwnDay = (start: string): boolean => Date.parse(start) >= run.day && Date.parse(start) < run.day + DAY_MS
  return {
    identities: found.identities.filter(isOwnId),
    rawEvents: found.rawEvents.filter(isOwnId),
    quarantined: found.quarantined - quarantinedBefore,
    recentUrls: found.recentUrls.filter(({ id }) => isOwnUser(id)),
    userActivity: found.userActivity.filter(({ user_id }) => isOwnUser(user_id)),
    enrichedActions: found.enrichedActions.filter(({ user_id }) => isOwnUser(user_id)),
    countryMinutes: found.countryMinutes.filter(({ window_start }) => isOwnDay(window_start)),
    interactions: found.interactions.filter(({ event_id }) => isOwnId(event_id)),
    deviceMinutes: found.deviceMinutes.filter(({ device_id }) => isOwnDevice(device_id)),
    p95ByType: found.p95ByType.filter(({ group }) => isOwnDevice(group)),
    p95ByDevice: found.p95ByDevice.filter(({ group }) => isOwnDevice(group)),
  }
}

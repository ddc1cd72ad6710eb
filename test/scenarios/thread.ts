import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readStores } from '../../cli/demo/stores.ts'
import type { ReportAnswer } from '../../cli/report.ts'
import type { Totals } from '../../cli/sending/deliver.ts'
import { simulatedLines } from '../../cli/simulate.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { disturb } from '../../cli/simulators/disturb.ts'
import type { Dice } from '../../cli/simulators/simulator.ts'
import type { Status } from '../../cli/status/settled.ts'
import { findTarget } from '../../cli/target.ts'
import { millraceJson } from '../command.ts'
import { differences, type Found } from './independent/compare.ts'
import { recompute, type SentFile } from './independent/recompute.ts'

/** Lines arrive up to so many places away from their order. */
const DISORDER = 500

/** Users, devices and ids of this run only: other tests' events stand in the same stores. */
export interface Run {
  readonly seed: number
  readonly device: (name: string) => string
  readonly user: (id: number) => number
}

export const newRun = (seed: number): Run => ({
  seed,
  device: name => `${seed}/${name}`,
  user: id => seed * 100 + id,
})

/** A file of simulated readings: disorder, 1 % re-deliveries, malformed and invalid lines. */
export async function readingsFile(run: Run, count: number): Promise<SentFile> {
  const rows = parsed(await simulatedLines('readings', { count, seed: run.seed }, 0))
  const own = rows.map(row => ({
    ...row,
    device_id: run.device(String(row['device_id'])),
    device_type: run.device(String(row['device_type'])),
  }))
  return { type: 'reading', lines: disordered(own, rollDice(run.seed)) }
}

/** A file of simulated visits, as careless. */
export async function visitsFile(run: Run, count: number): Promise<SentFile> {
  const rows = parsed(await simulatedLines('visits', { count, seed: run.seed }, 0))
  return {
    type: 'page_visit',
    lines: disordered(
      rows.map(row => ({ ...row, Id: run.user(Number(row['Id'])) })),
      rollDice(run.seed),
    ),
  }
}

const parsed = (lines: IteratorObject<string>): Record<string, unknown>[] => [...lines.map(line => JSON.parse(line))]

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

/** Where the stores differ from what the specification makes of the files, as far as this run's users, devices and ids go. */
export async function differencesFrom(files: readonly SentFile[], run: Run, quarantinedBefore: number): Promise<string[]> {
  const report = await millraceJson<ReportAnswer>('report', 'duration-p95', '--date', '2026-01-01')
  const found = await readStores(await findTarget(undefined), report)
  return differences(recompute(files), ofRun(found, run, quarantinedBefore))
}

function ofRun(found: Found, run: Run, quarantinedBefore: number): Found {
  const isOwn = (name: string) => name.startsWith(run.device(''))
  return {
    identities: found.identities.filter(identity => identity.includes(`-${run.seed}-`)),
    quarantined: found.quarantined - quarantinedBefore,
    recentUrls: found.recentUrls.filter(({ id }) => id >= run.user(0) && id < run.user(100)),
    deviceMinutes: found.deviceMinutes.filter(({ device_id }) => isOwn(device_id)),
    p95ByType: found.p95ByType.filter(({ group }) => isOwn(group)),
    p95ByDevice: found.p95ByDevice.filter(({ group }) => isOwn(group)),
  }
}

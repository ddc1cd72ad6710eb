import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { addUsage, dollarsOf, scaleUsage, type Usage } from '../../../cli/cost/usage.ts'
import { settingsFor } from '../../../infra/settings.ts'
import { openWorkspace, sortingMegabytes } from '../../../lambdas/archive/duckdb.ts'
import { DAY_MS } from '../../../lambdas/archive/plan-compaction.ts'
import type { ArchiveBucket } from '../../../lambdas/archive/s3.ts'
import { ARCHIVE_PREFIX, COMPACTED_PREFIX } from '../../../shared/archive-columns.ts'
import type { Event } from '../../../shared/event.ts'
import { seeded } from '../../fixtures/quota-load.ts'
import { compactAll, compactionOf, removeArchive } from '../../fixtures/reports/compaction.ts'
import { archiveEvents, folderArchive } from '../../fixtures/reports/folder-archive.ts'
import { computeGbSeconds } from './bill.ts'

const START = Date.UTC(2025, 10, 26)
/** Firehose writes an object each five minutes. */
const OBJECTS = 288
const EVENTS_PER_OBJECT = 2000
const MILLION = 1e6
const KEYS_PER_LIST = 1000
/** The job is put before and after each step, and each step of a day also reads and puts the day's ledger. */
const JOB_WRITES = 4
/** A day is visited once to be merged, and once after its raw objects have expired. */
const VISITS = 2

const readingAt = (at: number, random: () => number): Event => {
  const device = Math.floor(random() * 1000)
  return {
    ...{
      id: `${device}-${at}`,
      source: 'gateway',
      type: 'reading',
      subject: `device-${device}`,
      time: BigInt(at) * 1000n,
      received: at,
    },
    data: {
      ...{ device_id: `device-${device}`, device_type: 'boiler', timestamp: at / 1000, status: 'ok' },
      ...{ temperature: Math.round(random() * 400) / 10, event_duration: Math.round(random() * 200) / 10 },
    },
  }
}

/** Counts the requests that S3 bills. Deletions cost nothing. */
function metered(bucket: ArchiveBucket): { readonly bucket: ArchiveBucket; usage(): Usage } {
  let usage: Usage = {}
  const billed =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>, of: (result: R) => Usage) =>
    async (...args: A): Promise<R> => {
      const result = await call(...args)
      usage = addUsage(usage, of(result))
      return result
    }
  const lists = (found: readonly unknown[]): Usage => ({ s3Puts: Math.max(1, Math.ceil(found.length / KEYS_PER_LIST)) })
  const gets = (): Usage => ({ s3Gets: 1 })
  const puts = (): Usage => ({ s3Puts: 1 })
  const { list, folders, text, footer, open, download, putNew, upload, uploadNew, copy } = bucket
  return {
    bucket: {
      ...bucket,
      ...{ list: billed(list, lists), folders: billed(folders, lists), text: billed(text, gets), footer: billed(footer, gets) },
      ...{
        open: billed(open, gets),
        download: billed(download, gets),
        putNew: billed(putNew, puts),
        upload: billed(upload, puts),
        uploadNew: billed(uploadNew, puts),
        copy: billed(copy, puts),
      },
    },
    usage: () => usage,
  }
}

const sizeOf = async (bucket: ArchiveBucket, prefix: string): Promise<number> =>
  (await bucket.list(prefix)).reduce((sum, { size }) => sum + size, 0)

/** What the compaction of a day of readings uses for a million events, until its raw objects are deleted. */
export async function compactionRow(): Promise<object> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-compaction-'))
  try {
    const random = seeded(3)
    const interval = DAY_MS / OBJECTS
    for (let n = 0; n < OBJECTS; n++) {
      const events = Array.from({ length: EVENTS_PER_OBJECT }, (_, i) =>
        readingAt(START + Math.floor((n + i / EVENTS_PER_OBJECT) * interval), random),
      )
      const name = String(n).padStart(3, '0')
      await archiveEvents(
        folder,
        `${ARCHIVE_PREFIX}dt=2025-11-26/hour=${String(Math.floor(n / 12)).padStart(2, '0')}/${name}.parquet`,
        events,
      )
    }
    return await compactMetered(folder)
  } finally {
    await removeArchive(folder)
  }
}

async function compactMetered(folder: string): Promise<object> {
  const { memory } = settingsFor('prod').functions.compact
  const stored = folderArchive(folder)
  const raw = await sizeOf(stored, ARCHIVE_PREFIX)
  const { bucket, usage } = metered(stored)
  let now = START + DAY_MS + 3_600_000
  const dependencies = {
    ...compactionOf(folder, () => now),
    bucket,
    openWorkspace: () => openWorkspace(`${folder}-scratch`, sortingMegabytes(memory)),
  }
  const before = process.cpuUsage()
  for (let visit = 0; visit < VISITS; visit++) {
    await compactAll(dependencies)
    now += 40 * DAY_MS
  }
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1000
  const used = addUsage(usage(), {
    invocations: VISITS,
    computeGbSeconds: computeGbSeconds(memory, cpuMs, 0),
    writeUnits: VISITS * JOB_WRITES,
    readUnits: VISITS * JOB_WRITES,
  })
  const events = OBJECTS * EVENTS_PER_OBJECT
  const perMillion = scaleUsage(used, MILLION / events)
  return {
    ...{ events, objects: OBJECTS, 'raw bytes an event': raw / events },
    ...{
      'compacted bytes an event': (await sizeOf(stored, COMPACTED_PREFIX)) / events,
      'CPU ms a million': (cpuMs * MILLION) / events,
    },
    ...Object.fromEntries(Object.entries(perMillion).map(([unit, amount]) => [unit, Number(amount.toPrecision(3))])),
    $: dollarsOf(perMillion).toFixed(5),
  }
}

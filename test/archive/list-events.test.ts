import { type Archive, listEvents } from '../../lambdas/archive/list-events.ts'
import { type Manifest, manifestKey, replacedKey } from '../../lambdas/archive/manifest.ts'
import type { StoredObject } from '../../lambdas/archive/s3.ts'

const DAY_MS = 86_400_000
const KEYS_PER_REQUEST = 1000
const footer = { schema: '[]', ranges: {} }
const dtOf = (day: number): string => new Date(Date.UTC(2026, 0, 1) + day * DAY_MS).toISOString().slice(0, 10)

/** A year of a stage that writes an object a minute. All days but the last are compacted, all but the last four are settled. */
function yearOfDev() {
  const days = Array.from({ length: 365 }, (_, day) => dtOf(day))
  const minutes = Array.from({ length: 1440 }, (_, minute) => minute)
  const rawOf = (dt: string): StoredObject[] =>
    minutes.map(minute => ({
      key: `events/dt=${dt}/hour=${String(Math.floor(minute / 60)).padStart(2, '0')}/${minute}.parquet`,
      size: 1000,
      modified: 0,
    }))
  const requests = { list: 0, folders: 0, text: 0, ledger: 0 }
  const compacted = days.slice(0, -1)
  const manifest = (dt: string): Manifest => ({
    ...{ dt, run: 'r', modified: 0, replaced: 1440, identities: { count: 1, sum: '0' } },
    objects: [{ key: `archive/dt=${dt}/r/00000.parquet`, bytes: 1, rows: 1, types: {}, identities: '0', footer }],
    repetitions: [{ key: `repetitions/dt=${dt}/r/00000.parquet`, bytes: 1, rows: 1, types: {}, identities: '0', footer }],
  })
  const archive: Archive = {
    bucket: {
      async list(prefix) {
        const found = days.filter(dt => prefix === `events/dt=${dt}/`).flatMap(rawOf)
        requests.list += Math.max(1, Math.ceil(found.length / KEYS_PER_REQUEST))
        return found
      },
      async folders() {
        requests.folders += Math.ceil(days.length / KEYS_PER_REQUEST)
        return days.map(dt => `dt=${dt}`)
      },
      async text(key) {
        requests.text += 1
        const dt = days.find(each => key === manifestKey(each, 'r') || key === replacedKey(each, 'r')) ?? ''
        return JSON.stringify(key === manifestKey(dt, 'r') ? manifest(dt) : rawOf(dt).map(object => object.key))
      },
    },
    ledger: {
      async days() {
        requests.ledger += 1
        return compacted.map((dt, day) => ({
          ...{ dt, run: 'r', version: 1, switched: 0, compacted: 0 },
          ...(day < 361 && { settled: true as const }),
        }))
      },
    },
  }
  return { archive, requests, objects: 365 * minutes.length, rawOf }
}

test('the objects of a year with 525,600 raw ones are found without listing them', async () => {
  const { archive, requests, objects } = yearOfDev()
  expect(objects).toBe(525_600)
  const found = await listEvents(archive)
  expect(Object.groupBy(found, ({ kind }) => kind)).toMatchObject({
    rows: { length: 364 },
    repetitions: { length: 364 },
    raw: { length: 1440 },
  })
  expect(requests).toEqual({ list: 8, folders: 1, text: 364 + 3, ledger: 1 })
})

test('for some days, only these are listed, and their manifests read', async () => {
  const { archive, requests } = yearOfDev()
  const found = await listEvents(archive, { from: dtOf(10), to: dtOf(12) })
  expect(found.map(({ key }) => key)).toEqual(
    [10, 11, 12].flatMap(day => ['archive', 'repetitions'].map(prefix => `${prefix}/dt=${dtOf(day)}/r/00000.parquet`)),
  )
  expect(requests).toEqual({ list: 0, folders: 1, text: 3, ledger: 1 })
})

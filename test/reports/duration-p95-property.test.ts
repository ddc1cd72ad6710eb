import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { archiveRows, type Row } from '../fixtures/reports/folder-archive.ts'
import { plainDurationP95 } from '../fixtures/reports/plain-duration-p95.ts'
import { nearly, reportRows } from '../fixtures/reports/report-rows.ts'

/** Group sizes at, above and below the minimum sizes. Few distinct values give ties, and values at exactly three sigma. */
const group = fc.record({
  size: fc.constantFrom(199, 200, 201, 499, 500, 505),
  device_id: fc.constantFrom('d1', 'd2', 'D1'),
  device_type: fc.constantFrom('a', 'B', null),
  timestamp: fc.constantFrom(0, -0.000001, 86_399.999999, 86_400, -62_135_596_800, 1_764_158_400.5, 253_402_300_799),
  offset: fc.constantFrom(0, 1e9, -1e9, 0.0009765625),
  steps: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 6 }),
  outliers: fc.array(fc.constantFrom(-1e6, 1e6, 4096), { maxLength: 3 }),
  /** One row in this many is a repetition. */
  repeats: fc.integer({ min: 2, max: 60 }),
  /** One row in this many has no duration. */
  nulls: fc.integer({ min: 20, max: 1000 }),
})

type Group = typeof group extends fc.Arbitrary<infer G> ? G : never

const rowsOf = (groups: readonly Group[]): Row[] =>
  groups.flatMap(({ size, device_id, device_type, timestamp, offset, steps, outliers, repeats, nulls }, at) =>
    Array.from({ length: size }, (_, n) => {
      const repeated = n % repeats === 1
      const duration = outliers[n] ?? offset + (steps[n % steps.length] ?? 0) / 4
      return {
        event_id: `${repeated ? 0 : at}-${repeated ? n - 1 : n}`,
        source: 's',
        received: (groups.length - at) * 1000 + n,
        device_id,
        device_type,
        timestamp,
        event_duration: n % nulls === 7 ? null : duration,
      }
    }),
  )

const expectedRows = (rows: readonly Row[], dimension: 'device_type' | 'device_id') =>
  plainDurationP95(rows, dimension).map(row => ({ ...row }))

const named = (rows: readonly Record<string, unknown>[], dimension: string) =>
  rows.map(({ [dimension]: name, ...row }) => ({ ...row, name }))

test('the SQL and plain code give the same rows for any readings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 2000 }), async (groups, cut) => {
      const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
      try {
        const rows = rowsOf(groups)
        await archiveRows(folder, 'events/dt=2025-11-26/hour=12/a.parquet', rows.slice(0, cut))
        await archiveRows(folder, 'events/dt=2025-11-26/hour=13/b.parquet', rows.slice(cut))
        const { type, device } = await reportRows(folder, 'every day')
        expect(named(type, 'device_type')).toEqual(nearly(expectedRows(rows, 'device_type')))
        expect(named(device, 'device_id')).toEqual(nearly(expectedRows(rows, 'device_id')))
      } finally {
        await rm(folder, { recursive: true })
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)

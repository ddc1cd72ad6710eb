import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type AsyncBuffer, parquetMetadataAsync } from 'hyparquet'
import { partKey, partsPrefix } from '../../shared/report.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { type Action, eventOf, reportActions, run } from '../fixtures/reports/actions.ts'
import { archiveEvents, archiveRows, folderArchive } from '../fixtures/reports/folder-archive.ts'

const golden = 'test/golden/reports/enriched-actions'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
})
afterEach(() => rm(folder, { recursive: true }))

interface Golden {
  readonly fact: string
  readonly at: string
  readonly actions: readonly Action[]
  readonly rows: readonly Record<string, unknown>[]
}

const object = (name: string): string => `events/dt=2026-01-31/hour=12/${name}.parquet`
const at = '2026-01-31T12:00:00Z'
const action = (event_id: string, over: Partial<Action> = {}): Action => ({ event_id, time: '2026-01-31T11:00:00Z', ...over })
const archiveActions = (name: string, actions: readonly Action[], without: string[] = []) =>
  archiveEvents(folder, object(name), actions.map(eventOf), without)

const cases = (await readdir(golden)).map(file => file.replace('.json', ''))
test.each(cases)('enriched-actions: %s', async name => {
  const expected: Golden = JSON.parse(await readFile(path.join(golden, `${name}.json`), 'utf8'))
  await archiveActions('a', expected.actions)
  expect((await reportActions(folder, expected.at)).rows).toEqual(expected.rows)
})

test('the rows do not depend on how the events are distributed over objects', async () => {
  const {
    at: instant,
    actions,
    rows,
  } = JSON.parse(await readFile(`${golden}/first-arrival-counts-at-equal-times.json`, 'utf8')) as Golden
  for (const [n, one] of actions.toReversed().entries()) await archiveActions(String(n), [one])
  expect((await reportActions(folder, instant)).rows).toEqual(rows)
})

test('other events are ignored, and objects with only other or later events are not downloaded', async () => {
  await archiveRows(folder, object('readings'), [{ timestamp: 0, event_duration: 1 }])
  await archiveActions('later', [action('late', { time: '2026-01-31T12:00:00.000001Z' })])
  await archiveEvents(folder, object('mixed'), [
    { id: 'other', source: 'test', type: 'other', subject: '1', time: 0n, received: 1, data: { user_id: 1 } },
    eventOf(action('a')),
  ])
  const { rows, downloads } = await reportActions(folder, at)
  expect(downloads).toEqual([object('mixed')])
  expect(rows).toMatchObject([{ event_id: 'a', u_count: 1 }])
})

test('a column that an older object does not have reads as null', async () => {
  await archiveActions('a', [action('a')], ['app_action_event_action'])
  expect((await reportActions(folder, at)).rows).toMatchObject([{ event_id: 'a', event_action: null, u_mp_ea: null }])
})

test('an empty archive gives one part with the columns and no rows', async () => {
  await writeFile(path.join(folder, 'empty'), '')
  const { rows, publication } = await reportActions(folder, at)
  expect([rows, publication]).toEqual([[], { period: at, run, rows: { 0: 0 } }])
  const file = (await folderArchive(folder).open(partKey('enriched-actions', run, 'parquet', 0))) as AsyncBuffer
  const { schema } = await parquetMetadataAsync(file)
  expect(schema.slice(1).map(({ name }) => name)).toEqual(enrichedActions.columns.map(({ name }) => name))
})

test('the Parquet file has the columns of the definition, with times in microseconds', async () => {
  await archiveActions('a', [action('a')])
  await reportActions(folder, at)
  const file = (await folderArchive(folder).open(partKey('enriched-actions', run, 'parquet', 0))) as AsyncBuffer
  const types = { INT64: 'bigint', TIMESTAMP_MICROS: 'timestamp', UTF8: 'string' } as Record<string, string>
  const { schema } = await parquetMetadataAsync(file)
  const columns = schema.slice(1).map(({ name, type, converted_type = '' }) => [name, types[converted_type] ?? types[type ?? '']])
  expect(columns).toEqual(enrichedActions.columns.map(({ name, type }) => [name, type]))
})

test('parts follow the order of the rows; the Parquet prefix has no CSV, which is under another prefix', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  await archiveActions(
    'a',
    ids.toReversed().map(id => action(id, { event_action: id === 'a' ? '' : id === 'b' ? null : 'say "hi", b' })),
  )
  const { parts, publication } = await reportActions(folder, at, { rowsPerPart: 2 })
  expect(parts.map(rows => rows.map(row => row['event_id']))).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  expect(publication.rows).toEqual({ 0: 2, 1: 2, 2: 1 })
  const keys = (format: 'parquet' | 'csv') => [0, 1, 2].map(part => partKey('enriched-actions', run, format, part))
  const below = (await folderArchive(folder).list(partsPrefix('enriched-actions', run, 'parquet'))).map(({ key }) => key)
  expect(below).toEqual(keys('parquet'))
  expect(await readFile(path.join(folder, keys('csv')[0] ?? ''), 'utf8')).toBe(
    '\ufeffevent_time,user_id,app_name,event_action,event_category,event_value,u_count,u_mp_ea,event_id\n' +
      '2026-01-31 11:00:00.000000,1,product_1,"",category_1,5,5,"say ""hi"", b",a\n' +
      '2026-01-31 11:00:00.000000,1,product_1,,category_1,5,5,"say ""hi"", b",b\n',
  )
})

/** Texts as clients send them, and the same texts as cells of a spreadsheet. */
const texts = [
  ['=HYPERLINK("http://127.0.0.1/x","open")', '"\'=HYPERLINK(""http://127.0.0.1/x"",""open"")"'],
  ['+1+1', "'+1+1"],
  ['-2+3', "'-2+3"],
  ['@SUM(A1:A9)', "'@SUM(A1:A9)"],
  ['\t=1', "'\t=1"],
  ['\r=1', '"\'\r=1"'],
  ['a=1', 'a=1'],
  ['naïve', 'naïve'],
] as const
const csvOf = () => readFile(path.join(folder, partKey('enriched-actions', run, 'csv', 0)), 'utf8')

test('in the CSV no text is a formula, numbers are numbers, and every time has one width; Parquet is exact', async () => {
  await archiveActions(
    'a',
    texts.map(([app_name], n) => action(`${n}`, { app_name, event_value: -n, time: `2026-01-31T10:00:00${n ? `.${n}` : ''}Z` })),
  )
  const { rows } = await reportActions(folder, at)
  expect(rows.map(row => row['app_name'])).toEqual(texts.map(([text]) => text))
  const lines = (await csvOf()).split('\n').slice(1, -1)
  expect(lines).toEqual(
    texts.map(
      ([, cell], n) => `2026-01-31 10:00:00.${n}00000,1,${cell},scroll,category_1,${-n || 0},${texts.length},scroll,${n}`,
    ),
  )
})

test('a report can keep its CSV raw for programs', async () => {
  await archiveActions('a', [action('a', { app_name: '=1+1' })])
  await reportActions(folder, at, { rawCsv: true })
  expect(await csvOf()).toMatch(/^event_time,user_id.*\n2026-01-31 11:00:00,1,=1\+1,/)
})

import { PutObjectCommand } from '@aws-sdk/client-s3'
import { s3Of } from '../../cli/clients.ts'
import { fieldsOf, type LogLine, readLines } from '../../cli/logs/lines.ts'
import type { ReportResult } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../builders.ts'
import { millrace, millraceJson } from '../command.ts'
import { ownMetricsOf, widgetsOf } from '../dashboard-widgets.ts'
import { templateOf } from '../infra-templates.ts'
import { causeFaults } from '../lambdas/faults.ts'
import { emittedBy, listen } from '../log-lines.ts'
import { eventually } from './emulated-cloud.ts'
import { settled } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 120
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

let target: Target
const before = { ...process.env }
beforeAll(async () => {
  target = await findTarget(undefined)
})
afterEach(() => {
  process.env = before
})

async function post(events: readonly object[], key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` }
  const { status } = await fetch(`${target.apiUrl}/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) })
  return status
}

/** As Firehose writes it below its error prefix, with one record. */
function leaveUnconverted(user: number): Promise<unknown> {
  const event = aVisit('/unconverted', 1, { id: `unconverted-${user}`, subject: String(user), received: user })
  const rawData = Buffer.from(`${toLine(event, catalogue.get(event.type))}\n`).toString('base64')
  const Body = `${JSON.stringify({ arrivalTimestamp: user, errorCode: 'DataFormatConversion.InvalidSchema', rawData })}\n`
  const Key = `${ARCHIVE_ERROR_PREFIX}format-conversion-failed/${user}`
  return s3Of(target).send(new PutObjectCommand({ Bucket: target.outputs.ArchiveBucket, Key, Body }))
}

/** Everything that functions do where nothing is wrong with the stores. */
async function useEverything(): Promise<void> {
  const user = Date.now()
  const events = [
    { type: 'page_visit', id: `v-${user}`, data: { Id: user, Url: '/a', Timestamp: 1 } },
    {
      type: 'app_action',
      id: `a-${user}`,
      data: { user_id: user, app_name: 'product_1', event_action: null, event_category: 'c', event_value: null },
    },
    {
      type: 'reading',
      id: `r-${user}`,
      data: { device_id: `d-${user}`, timestamp: 1, temperature: 20, event_duration: 1, status: 'ok' },
    },
    { type: 'interaction', id: `i-${user}`, data: { eventType: 'pageview', eventValue: 'home' } },
    { type: 'page_visit', id: `bad-${user}`, data: {} },
  ]
  const asked = [await post(events, target.key('write')), await post(events, target.key('write')), await post(events, 'nobody')]
  asked.push((await fetch(`${target.apiUrl}/v1/users/${user}`)).status)
  expect(asked).toEqual([200, 200, 401, 401])
  await leaveUnconverted(user)
  const instants = ['--since', new Date(user).toISOString(), '--until', new Date(user + 1).toISOString()]
  expect(await millraceJson('quarantine', 'replay', '--code', 'not_archived', ...instants)).toEqual({ replayed: 1, refused: 0 })
  expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
  expect((await millraceJson<ReportResult>('report', 'enriched-actions')).rows).toBeGreaterThan(0)
  await millraceJson('reindex', 'recent-urls')
}

test(
  'functions emit every metric that the dashboard shows: on the local cloud, or in trouble that a healthy cloud does not give',
  async () => {
    const start = Date.now()
    await useEverything()
    const { result, texts } = await listen(causeFaults)
    expect(result).toMatchObject({ status: 'fulfilled' })
    const inTrouble = emittedBy(texts)
    const shown = ownMetricsOf(widgetsOf(templateOf('dev')))
    expect(shown.size).toBeGreaterThan(20)
    let missing: string[] = []
    const isComplete = async (): Promise<boolean> => {
      const lines = await readLines({ target, start }, undefined, () => true)
      const emitted = emittedBy(lines.map(({ text }) => text))
      missing = [...shown].filter(metric => !emitted.has(metric) && !inTrouble.has(metric))
      return missing.length === 0
    }
    await eventually('all of them are in the log', isComplete).catch(() => undefined)
    expect(missing).toEqual([])
  },
  5 * MINUTES,
)

const follow = (...options: string[]): Promise<LogLine[]> => millraceJson<LogLine[]>('logs', ...options)
const textsOf = (lines: readonly LogLine[]): string[] => lines.map(({ text }) => text)

test(
  'a request is followed by its id to the documents, and from the state of its user back',
  async () => {
    const user = Date.now()
    const visit = { type: 'page_visit', id: `f-${user}`, data: { Id: user, Url: '/a', Timestamp: 1 } }
    expect(await post([visit], target.key('write'))).toBe(200)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })

    const back = await follow('--user', String(user))
    expect(back.map(line => line.function)).toEqual(expect.arrayContaining(['ingest', 'state', 'windows', 'index-documents']))
    const [request, ...others] = back.filter(line => line.function === 'ingest')
    expect(others).toEqual([])
    const id = String(fieldsOf(request as LogLine)?.['apiRequestId'])
    expect(textsOf(await follow('--request', id))).toEqual(expect.arrayContaining(textsOf(back)))
    expect(textsOf(back).filter(text => text.includes(String(user)))).toEqual([])
  },
  5 * MINUTES,
)

test('a request that nobody made is said to be none, in one line', async () => {
  expect(await millrace(['logs', '--request', 'none'])).toMatchObject({
    code: 1,
    stderr: 'The function ingest logged no request none in this time. Look further back with --since.\n',
  })
})

import { PutObjectCommand } from '@aws-sdk/client-s3'
import { s3Of } from '../../cli/clients.ts'
import { fieldsOf, type LogLine, readLines } from '../../cli/logs/lines.ts'
import type { ReportResult } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { ownMetricsOf, widgetsOf } from '../fixtures/dashboard-widgets.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { templateOf } from '../fixtures/infra-templates.ts'
import { causeFaults } from '../fixtures/lambda-faults.ts'
import { emittedBy, listen } from '../fixtures/log-lines.ts'
import { untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 120
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

let target: Target
const environment = { ...process.env }
beforeAll(async () => {
  target = await findTarget(undefined)
})
afterEach(() => {
  process.env = environment
})

async function post(events: readonly object[], key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` }
  const { status } = await fetch(`${target.apiUrl}/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) })
  return status
}

/** Puts an object with one record under the error prefix, as Firehose does after a failed conversion. */
function putUnconverted(user: number): Promise<unknown> {
  const event = aVisit('/unconverted', 1, { id: `unconverted-${user}`, subject: String(user), received: user })
  const rawData = Buffer.from(`${toLine(event, catalogue.get(event.type))}\n`).toString('base64')
  const Body = `${JSON.stringify({ arrivalTimestamp: user, errorCode: 'DataFormatConversion.InvalidSchema', rawData })}\n`
  const Key = `${ARCHIVE_ERROR_PREFIX}format-conversion-failed/${user}`
  return s3Of(target).send(new PutObjectCommand({ Bucket: target.outputs.ArchiveBucket, Key, Body }))
}

/** Makes every function do all its work, with healthy stores. */
async function useEveryFunction(): Promise<void> {
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
    { type: 'interaction', id: `i-${user}`, data: { eventType: 'pageview', eventValue: 'homepage' } },
    { type: 'page_visit', id: `bad-${user}`, data: {} },
    { type: 'signup', id: `future-${user}`, time: '9999-12-31T00:00:00Z' },
  ]
  const statuses = [
    await post(events, target.key('write')),
    await post(events, target.key('write')),
    await post(events, 'nobody'),
  ]
  statuses.push((await fetch(`${target.apiUrl}/v1/users/${user}`)).status)
  expect(statuses).toEqual([200, 200, 401, 401])
  await putUnconverted(user)
  const instants = ['--since', new Date(user).toISOString(), '--until', new Date(user + 1).toISOString()]
  expect(await millraceJson('quarantine', 'replay', '--code', 'not_archived', ...instants)).toEqual({ replayed: 1, refused: 0 })
  await untilSettled(SETTLE_SECONDS)
  expect((await millraceJson<ReportResult>('report', 'enriched-actions')).rows).toBeGreaterThan(0)
  await millraceJson('reindex', 'recent-urls')
}

test(
  'functions emit every metric of the dashboard: on the local cloud, or under faults that a healthy cloud does not have',
  async () => {
    const start = Date.now()
    await useEveryFunction()
    const { result, texts } = await listen(causeFaults)
    expect(result).toMatchObject({ status: 'fulfilled' })
    const underFaults = emittedBy(texts)
    const shown = ownMetricsOf(widgetsOf(templateOf('dev')))
    expect(shown.size).toBeGreaterThan(20)
    let missing: string[] = []
    const isComplete = async (): Promise<boolean> => {
      const lines = await readLines({ target, start }, undefined, () => true)
      const emitted = emittedBy(lines.map(({ text }) => text))
      missing = [...shown].filter(metric => !emitted.has(metric) && !underFaults.has(metric))
      return missing.length === 0
    }
    await eventually('the logs hold all of them', isComplete).catch(() => undefined)
    expect(missing).toEqual([])
  },
  5 * MINUTES,
)

const logs = (...options: string[]): Promise<LogLine[]> => millraceJson<LogLine[]>('logs', ...options)
const textsOf = (lines: readonly LogLine[]): string[] => lines.map(({ text }) => text)

test(
  'millrace logs finds the lines of a request in every function, by its id and by its user',
  async () => {
    const user = Date.now()
    const visit = { type: 'page_visit', id: `f-${user}`, data: { Id: user, Url: '/a', Timestamp: 1 } }
    expect(await post([visit], target.key('write'))).toBe(200)
    await untilSettled(SETTLE_SECONDS)

    // A function writes its line after the stores are complete.
    const ofUser = await eventually('every function that read the event, or a change by it, has its line', async () => {
      const lines = await logs('--user', String(user))
      const functions = new Set(lines.map(line => line.function))
      return ['ingest', 'state', 'windows', 'index-documents'].every(name => functions.has(name)) && lines
    })
    const [request, ...more] = ofUser.filter(line => line.function === 'ingest')
    expect(more).toEqual([])
    const id = String(fieldsOf(request as LogLine)?.['apiRequestId'])
    expect(textsOf(await logs('--request', id))).toEqual(expect.arrayContaining(textsOf(ofUser)))
    expect(textsOf(ofUser).filter(text => text.includes(String(user)))).toEqual([])
  },
  5 * MINUTES,
)

test('an unknown request is an error of one line', async () => {
  expect(await millrace(['logs', '--request', 'none'])).toMatchObject({
    code: 1,
    stderr: 'The function ingest logged no request none in this time. Look further back with --since.\n',
  })
})

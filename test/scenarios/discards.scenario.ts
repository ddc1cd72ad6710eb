import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { s3Of, searchOf } from '../../cli/clients.ts'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { recompute } from '../../cli/demo/independent/recompute.ts'
import { collectedItems } from '../../cli/quarantine/scan.ts'
import type { QuarantinePage } from '../../cli/quarantine/select.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { failureBucket } from '../../lambdas/quarantine/s3.ts'
import { stopOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { waitUntil } from '../../localstack/processes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { DISCARDED_PREFIX, type QuarantineSummary } from '../../shared/quarantine.ts'
import { indexOf } from '../../shared/search-index.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { whileGivingUp, whileTableIsAway } from '../fixtures/stream-readers.ts'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
let target: Target
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-discards-'))
  target = await findTarget(undefined)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const sendFile = async (file: SentFile): Promise<unknown> => send(await store(folder, file), file.type)
const replay = (code: string, since: number) =>
  millraceJson('quarantine', 'replay', '--code', code, '--since', new Date(since).toISOString())

test(
  'what the states never managed leaves the stream for the bucket; replayed, every store is as the specification says',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const [early, middle, late] = inThirds(await simulatedFile('actions', 300, run))
    const lost = [middle, await simulatedFile('readings', 500, run), await simulatedFile('users', 15, run)]
    const isOwn = ({ code, id }: QuarantineSummary): boolean =>
      code === 'record_unread' && (id?.includes(`-${run.seed}-`) ?? false)
    await sendFile(early)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })

    await whileGivingUp(target, 'StateFunction', { MaximumRetryAttempts: 0 }, () =>
      whileTableIsAway(target, 'StateFunction', async () => {
        for (const file of lost) await sendFile(file)
        await untilDiscarded('RetryAttemptsExhausted')
        await untilAside(isOwn, recompute(lost, 0).identities)
      }),
    )
    await sendFile(late)
    const unread = (await itemsAside()).filter(isOwn)
    expect(await replay('record_unread', run.seed)).toEqual({ replayed: unread.length, refused: 0 })

    expect((await itemsAside()).filter(isOwn)).toEqual([])
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([early, ...lost, late], run, before)).toEqual([])
  },
  10 * MINUTES,
)

test(
  'what OpenSearch never took while it was away comes back: raw events by a replay, documents by a reindex, and nothing stays aside',
  async () => {
    const search = await searchOf(target)
    const user = Date.now()
    const id = `away-${user}`
    const lines = [JSON.stringify({ Id: user, Url: '/away', Timestamp: 5, event_id: id })]
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    const before = await itemsAside()
    const isNew = ({ key }: QuarantineSummary): boolean => !before.some(item => item.key === key)
    const newCodes = async () => [...new Set((await collectedItems(target)).filter(isNew).map(({ code }) => code))].sort()

    await stopOpenSearch(localCloud().openSearch)
    try {
      // AWS takes an age of a minute or more; nobody wants to wait for it.
      await whileGivingUp(target, 'SearchIndexEvents', { MaximumRecordAgeInSeconds: 1 }, () =>
        whileGivingUp(target, 'SearchIndexDocuments', { MaximumRetryAttempts: 1 }, async () => {
          await sendFile({ type: 'page_visit', lines })
          await untilDiscarded('RecordAgeExceeded')
          expect(await waitUntil(async () => (await newCodes()).length === 2, MINUTES)).toBe(true)
        }),
      )
    } finally {
      expect(await millrace(['up', '--detach'])).toMatchObject({ code: 0 })
    }
    expect(await newCodes()).toEqual(['changes_unread', 'not_indexed'])
    expect((await settled(3).catch(String)).toString()).toContain('Not settled')

    expect(await replay('not_indexed', user)).toEqual({ replayed: 1, refused: 0 })
    expect((await millraceJson<{ released: number }>('reindex')).released).toBeGreaterThan(0)
    expect(await newCodes()).toEqual([])
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    const document = await search?.get({ index: indexOf(recentUrls), id: String(user) })
    expect(document?.body._source).toEqual({ id: user, last_5_urls: ['/away'] })
    const raw = await search?.count({ index: 'events-page_visit-*', body: { query: { term: { event_id: id } } } })
    expect(raw?.body.count).toBe(1)
  },
  10 * MINUTES,
)

const inThirds = ({ type, lines }: SentFile): [SentFile, SentFile, SentFile] => {
  const third = Math.ceil(lines.length / 3)
  const part = (n: number): SentFile => ({ type, lines: lines.slice(n * third, (n + 1) * third) })
  return [part(0), part(1), part(2)]
}

const itemsAside = async (): Promise<readonly QuarantineSummary[]> =>
  (await millraceJson<QuarantinePage>('quarantine', 'list', '--limit', '100000')).items

/** Resolves once the items that are meant hold all these events, each as its type and id. */
async function untilAside(isMeant: (item: QuarantineSummary) => boolean, events: ReadonlySet<string>): Promise<void> {
  const allAreAside = async () => {
    const found = new Set((await collectedItems(target)).filter(isMeant).map(({ type, id }) => `${type} ${id}`))
    return [...events].every(event => found.has(event))
  }
  expect(await waitUntil(allAreAside, 3 * MINUTES)).toBe(true)
}

/** Resolves once a batch lies in the quarantine's bucket that was given up for this reason. */
async function untilDiscarded(condition: string): Promise<void> {
  const objects = failureBucket(target.outputs.QuarantineBucket, s3Of(target))
  const wasGivenUp = async () => {
    for await (const key of objects.list(DISCARDED_PREFIX))
      if (JSON.parse(await objects.readText(key)).requestContext.condition === condition) return true
    return false
  }
  expect(await waitUntil(wasGivenUp, MINUTES)).toBe(true)
}

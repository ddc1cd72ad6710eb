import { s3Of, searchOf } from '../../cli/clients.ts'
import type { SentFile } from '../../cli/demo/independent/lines.ts'
import { recompute } from '../../cli/demo/independent/recompute.ts'
import { collectedItems } from '../../cli/quarantine/scan.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { failureBucket } from '../../lambdas/quarantine/s3.ts'
import { stopOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { DISCARDED_PREFIX, type QuarantineSummary } from '../../shared/quarantine.ts'
import { indexOf } from '../../shared/search-index.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { whileDiscarding, whileTableIsMissing } from '../fixtures/stream-readers.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, quarantinedItems, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const folder = temporaryFolder('discards')

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
})

const replay = (code: string, since: number) =>
  millraceJson('quarantine', 'replay', '--code', code, '--since', new Date(since).toISOString())

test(
  'the state function discards batches after its retries; after a replay every store holds what the specification says',
  async () => {
    const run = newRun(Date.now())
    const [early, middle, late] = inThirds(await simulatedFile('actions', 300, run))
    const discarded = [middle, await simulatedFile('readings', 500, run), await simulatedFile('users', 15, run)]
    const isUnread = ({ code, id }: QuarantineSummary): boolean =>
      code === 'record_unread' && (id?.includes(`-${run.seed}-`) ?? false)
    await writeAndSend(folder, early)
    await untilSettled(SETTLE_SECONDS)

    // Repetitions of events that are folded already are remembered, and not quarantined.
    const folded = recompute([early], 0).identities
    const unfolded = new Set([...recompute(discarded, 0).identities].filter(identity => !folded.has(identity)))
    await whileDiscarding(target, 'StateFunction', { MaximumRetryAttempts: 0 }, () =>
      whileTableIsMissing(target, 'StateFunction', async () => {
        for (const file of discarded) await writeAndSend(folder, file)
        await untilDiscarded('RetryAttemptsExhausted')
        await untilQuarantined(isUnread, unfolded)
      }),
    )
    await writeAndSend(folder, late)
    const unread = (await quarantinedItems()).items.filter(isUnread)
    expect(await replay('record_unread', run.seed)).toEqual({ replayed: unread.length, refused: 0 })

    expect((await quarantinedItems()).items.filter(isUnread)).toEqual([])
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom([early, ...discarded, late], run)).toEqual([])
  },
  20 * MINUTES,
)

test(
  'events that were discarded during an outage of OpenSearch: a replay indexes raw events, a reindex documents, and the quarantine is empty',
  async () => {
    const search = await searchOf(target)
    const user = Date.now()
    const id = `away-${user}`
    const lines = [JSON.stringify({ Id: user, Url: '/away', Timestamp: 5, event_id: id })]
    await untilSettled(SETTLE_SECONDS)
    const { items: before } = await quarantinedItems()
    const isNew = ({ key }: QuarantineSummary): boolean => !before.some(item => item.key === key)
    const newCodes = async () => [...new Set((await collectedItems(target)).filter(isNew).map(({ code }) => code))].sort()

    await stopOpenSearch(localCloud().openSearch)
    try {
      // AWS allows no age below a minute; one second keeps the test short.
      await whileDiscarding(target, 'SearchIndexEvents', { MaximumRecordAgeInSeconds: 1 }, () =>
        whileDiscarding(target, 'SearchIndexDocuments', { MaximumRetryAttempts: 1 }, async () => {
          await writeAndSend(folder, { type: 'page_visit', lines })
          await untilDiscarded('RecordAgeExceeded')
          await eventually('both readers have discarded', async () => (await newCodes()).length === 2, 240)
        }),
      )
    } finally {
      expect(await millrace(['up', '--detach'])).toMatchObject({ code: 0 })
    }
    expect(await newCodes()).toEqual(['changes_unread', 'not_indexed'])
    await expect(untilSettled(3)).rejects.toThrow('Not settled')

    expect(await replay('not_indexed', user)).toEqual({ replayed: 1, refused: 0 })
    expect((await millraceJson<{ released: number }>('reindex')).released).toBeGreaterThan(0)
    expect(await newCodes()).toEqual([])
    await untilSettled(SETTLE_SECONDS)
    const document = await search?.get({ index: indexOf(recentUrls), id: String(user) })
    expect(document?.body._source).toEqual({ id: user, last_5_urls: ['/away'] })
    const raw = await search?.count({ index: 'events-page_visit-*', body: { query: { term: { event_id: id } } } })
    expect(raw?.body.count).toBe(1)
  },
  20 * MINUTES,
)

function inThirds({ type, lines }: SentFile): [SentFile, SentFile, SentFile] {
  const third = Math.ceil(lines.length / 3)
  const part = (n: number): SentFile => ({ type, lines: lines.slice(n * third, (n + 1) * third) })
  return [part(0), part(1), part(2)]
}

/** Resolves once the quarantine items that match include all these events, by their type and id. */
async function untilQuarantined(matches: (item: QuarantineSummary) => boolean, identities: ReadonlySet<string>): Promise<void> {
  const events = [...identities].map(identity => {
    const [type, , id] = JSON.parse(identity) as string[]
    return `${type} ${id}`
  })
  const holdsAll = async () => {
    const found = new Set((await collectedItems(target)).filter(matches).map(({ type, id }) => `${type} ${id}`))
    return events.every(event => found.has(event))
  }
  await eventually('all events are quarantined', holdsAll, 180)
}

/** Resolves once the quarantine's bucket holds a batch that was discarded for this reason. */
async function untilDiscarded(condition: string): Promise<void> {
  const objects = failureBucket(target.outputs.QuarantineBucket, s3Of(target))
  const isDiscarded = async () => {
    for await (const { key } of objects.list(DISCARDED_PREFIX))
      if (JSON.parse(Buffer.from(await objects.read(key)).toString()).requestContext.condition === condition) return true
    return false
  }
  await eventually(`a batch is discarded: ${condition}`, isDiscarded, 240)
}

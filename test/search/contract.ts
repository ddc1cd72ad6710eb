import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import * as z from 'zod/mini'
import type { Item } from '../../lambdas/state/dynamodb-items.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import { DocumentIndex } from '../fakes/document-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { aChange } from '../fixtures/table-changes.ts'

/** The code that writes documents: of this checkout, or of a copy with a deliberate mistake. */
interface SearchCode {
  readonly indexBatch: typeof import('../../lambdas/search/index-batch.ts')
  readonly reindex: typeof import('../../lambdas/search/reindex.ts')
  readonly writeBulk: typeof import('../../lambdas/search/write-bulk.ts')
  readonly user: typeof import('../../shared/grains/user.ts')
  readonly userWindow: typeof import('../../shared/grains/user-window.ts')
  readonly window: typeof import('../../shared/grains/window.ts')
}

async function loadSearchCode(root: string): Promise<SearchCode> {
  const load = (file: string) => import(pathToFileURL(path.join(root, file)).href)
  return {
    indexBatch: await load('lambdas/search/index-batch.ts'),
    reindex: await load('lambdas/search/reindex.ts'),
    writeBulk: await load('lambdas/search/write-bulk.ts'),
    user: await load('shared/grains/user.ts'),
    userWindow: await load('shared/grains/user-window.ts'),
    window: await load('shared/grains/window.ts'),
  }
}

interface Counted {
  readonly n: number
}

const NOW = 1_800_000_000_000
const ERASED_AT = 2000
const WINDOWS = 1500

/** One projection of each grain. */
function projectionsOf({ user, userWindow, window }: SearchCode): Projection[] {
  const common = {
    revision: 2,
    on: [{ name: 'counted' } as EventType<Counted>],
    initial: (): Counted => ({ n: 0 }),
    fold: (state: Counted) => state,
    shape: z.object({}),
  }
  const windowed = { ...common, window: 60, at: () => 0, merge: (a: Counted, b: Counted) => ({ n: a.n + b.n }) }
  return [
    user.perUser({ ...common, name: 'last', key: 'user', document: ({ n }, id) => ({ user: id, n }) }),
    userWindow.perUserWindow({ ...windowed, name: 'sums', key: 'user', document: ({ n }, at) => ({ user: at.user, n }) }),
    window.perWindow({ ...windowed, name: 'totals', slots: 2, document: ({ n }) => ({ n }) }),
  ]
}

const slotItem = (slot: number, version: number): PartItem => ({
  ...{ kind: 'slot', projection: 'totals-r2', start: 0, slot, version, state: { n: version } },
  users: new Map(),
})
const windowItem = (start: number, version: number): PartItem => ({
  ...{ kind: 'window', user: 'anna', projection: 'sums-r2', start: start * 60, version, state: { n: 1 } },
})
const erasedItem = aUserItem('anna', { version: ERASED_AT, erasedOrder: ERASED_AT })
const userItem = (version: number, n: number): UserItem => aUserItem('anna', { version, states: { 'last-r2': { n } } })

/** The product's code over an index in memory, and what it does wrong. */
class Contract {
  readonly violations: string[] = []
  private readonly code: SearchCode
  private readonly projections: Projection[]
  private index = new DocumentIndex()
  private parts: readonly PartItem[] = []
  private quarantined: QuarantinedEvent[] = []

  constructor(code: SearchCode) {
    this.code = code
    this.projections = projectionsOf(code)
  }

  async check(): Promise<void> {
    const { sharedVersions, erasure, busyErasure, busyCluster, reindexing, missingIndex, revisions } = this
    for (const check of [sharedVersions, erasure, busyErasure, busyCluster, reindexing, missingIndex, revisions]) {
      this.index = new DocumentIndex('last-r2', 'sums-r2', 'totals-r2')
      this.quarantined = []
      await check.call(this)
    }
  }

  private expect(holds: boolean, rule: string): void {
    if (!holds) this.violations.push(rule)
  }

  private get dependencies() {
    return {
      client: this.index.client,
      table: {
        partsBelow: async () => [...this.parts],
        readUsers: async () => new Map([['anna', undefined]]),
        readLateness: async () => () => undefined,
      },
      quarantine: { add: async (events: readonly QuarantinedEvent[]) => void this.quarantined.push(...events) },
      telemetry: { count: () => undefined, annotate: () => undefined },
      projections: this.projections,
      deploymentWaitMs: 900_000,
      now: () => NOW,
    }
  }

  /** Whether the batch was written. */
  private async deliver(...items: readonly (UserItem | PartItem)[]): Promise<boolean> {
    const batch = items.map(item => aChange(undefined, item, NOW / 1000))
    const written = this.code.indexBatch.indexBatch(batch, this.dependencies)
    return written.then(
      () => true,
      () => false,
    )
  }

  private async sharedVersions(): Promise<void> {
    const [older, newer] = [
      [slotItem(0, 2), slotItem(1, 1)],
      [slotItem(0, 2), slotItem(1, 2)],
    ]
    for (const parts of [older, newer, older]) {
      this.parts = parts ?? []
      await this.deliver(slotItem(1, 2))
    }
    const document = this.index.documentOf('totals-r2', '1970-01-01T00:00:00Z')
    this.expect(document?.['n'] === 4, 'a late read of the slots does not replace a newer document')
  }

  private liveWindows = (): string[] =>
    [...this.index.entries].filter(([key, { document }]) => key.startsWith('sums-r2') && document).map(([key]) => key)

  private async erasure(): Promise<void> {
    const windows = Array.from({ length: WINDOWS }, (_, n) => windowItem(n, n + 1))
    const newer = windowItem(WINDOWS, ERASED_AT + 1)
    await this.deliver(...windows, newer)
    await this.deliver(erasedItem)
    const [first] = windows
    if (first) await this.deliver(first)
    this.expect(this.liveWindows().length === 1, 'an erasure deletes all older documents and no newer one')
    const tombstones = [...this.index.entries.values()].filter(({ document }) => !document)
    this.expect(
      tombstones.every(({ version }) => version === ERASED_AT),
      'an erasure deletes at its own version',
    )
  }

  private async busyErasure(): Promise<void> {
    await this.deliver(windowItem(0, 1), windowItem(1, 2))
    this.index.busy = 1
    this.expect(!(await this.deliver(erasedItem)), 'an erasure is delivered again if a deletion was rejected')
    this.expect(await this.deliver(erasedItem), 'an erasure can be repeated')
    this.expect(this.liveWindows().length === 0, 'a repeated erasure deletes what was rejected before')
  }

  private async busyCluster(): Promise<void> {
    this.index.busy = 1
    const batch = [userItem(1, 1), windowItem(0, 1)] as const
    this.expect(!(await this.deliver(...batch)), 'a batch is delivered again if one document was rejected for now')
    this.expect(this.quarantined.length === 0, 'a document that was rejected for now is not quarantined')
    await this.deliver(...batch)
    this.expect(this.index.documentOf('last-r2', 'anna') !== undefined, 'a rejected document is written by the next delivery')
  }

  private async reindexing(): Promise<void> {
    await this.deliver(userItem(5, 1))
    const items: readonly Item[] = [{ kind: 'user', ...userItem(5, 2) }]
    const plan = await this.code.reindex.documentsOf(items, this.dependencies)
    await this.code.writeBulk.writeDocuments(plan, this.dependencies)
    this.expect(this.index.documentOf('last-r2', 'anna')?.['n'] === 2, 'a reindex writes a document of the same version again')
    this.expect(this.index.versionOf('last-r2', 'anna') === 5, "a reindex writes at the item's version")
  }

  private async missingIndex(): Promise<void> {
    this.index.indices.delete('last-r2')
    this.expect(!(await this.deliver(userItem(1, 1))), 'a batch is delivered again if an index is missing')
  }

  private async revisions(): Promise<void> {
    const of = (key: string) => aUserItem('anna', { states: { [key]: { n: 1 } } })
    this.expect(!(await this.deliver(of('last-r3'))), 'a state of an unknown projection is delivered again')
    this.expect(await this.deliver(of('last-r1')), 'a state of a lower revision is skipped')
  }
}

/** The rules that the code below `root` breaks. */
async function violationsOf(root: string): Promise<readonly string[]> {
  const contract = new Contract(await loadSearchCode(root))
  await contract.check()
  return contract.violations
}

const { values } = parseArgs({ options: { root: { type: 'string', default: '.' } } })
console.log(JSON.stringify(await violationsOf(path.resolve(values.root))))

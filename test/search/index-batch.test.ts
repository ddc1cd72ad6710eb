import * as z from 'zod/mini'
import { type IndexDependencies, indexBatch } from '../../lambdas/search/index-batch.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import type { Document } from '../../shared/grain.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perWindow, type SlotItem } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem } from '../../shared/state.ts'
import { DocumentIndex } from '../fakes/document-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { aChange } from '../fixtures/table-changes.ts'

interface Counted {
  readonly n: number
}

const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000
const common = {
  name: 'visits',
  revision: 1,
  on: [pageVisit],
  initial: (): Counted => ({ n: 0 }),
  fold: (state: Counted) => state,
  shape: z.object({ n: z.int() }),
}
const perUserWith = (document: (state: Counted, user: string) => unknown, facts: { name?: string; revision?: number } = {}) =>
  perUser({ ...common, ...facts, key: 'user', document: document as (state: Counted, user: string) => Document })
const shown = ({ n }: Counted, user: string) => ({ user, n })
const visits = perUserWith(shown)

const slot = (number: number, n: number): SlotItem => ({
  kind: 'slot',
  projection: 'totals-r1',
  start: 0,
  slot: number,
  version: 1,
  state: { n },
  users: new Map(),
})

/** An index with all indices of the projections, and what `indexBatch` needs to write to it. */
function world(projections: readonly Projection[], parts: readonly PartItem[] = []) {
  const index = new DocumentIndex(...projections.map(({ name, revision }) => `${name}-r${revision}`))
  const quarantined: QuarantinedEvent[] = []
  const annotations: Record<string, unknown> = {}
  const counts: Record<string, number> = {}
  const dependencies: IndexDependencies = {
    client: index.client,
    table: { partsBelow: async () => [...parts] },
    quarantine: { add: async events => void quarantined.push(...events) },
    projections,
    deploymentWaitMs: 15 * 60_000,
    now: () => NOW,
    telemetry: {
      count: (name, value) => Object.assign(counts, { [name]: (counts[name] ?? 0) + value }),
      annotate: (name, value) => Object.assign(annotations, { [name]: value }),
    },
  }
  return { index, quarantined, annotations, counts, dependencies }
}

const anna = aUserItem('anna', { version: 5, states: { 'visits-r1': { n: 13 } } })
const bob = aUserItem('bob', { version: 6, states: { 'visits-r1': { n: 2 } } })

describe('a document that cannot be made', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const fail = (): never => {
    throw new TypeError('secret')
  }
  test.each<[string, () => unknown]>([
    ['throws', fail],
    ['is no JSON: a BigInt', () => ({ id: 13n })],
    ['is no JSON: a circle', () => circular],
    ['is undefined', () => undefined],
    ['is a list', () => [1]],
  ])('is quarantined with its reason, and the others are written: it %s', async (_, broken) => {
    const { index, quarantined, annotations, counts, dependencies } = world([
      perUserWith((state, user) => (user === 'anna' ? broken() : shown(state, user))),
    ])
    await indexBatch([aChange(undefined, anna), aChange(undefined, bob)], dependencies)
    expect(index.documentOf('visits-r1', 'bob')).toEqual({ user: 'bob', n: 2 })
    expect(index.documentOf('visits-r1', 'anna')).toBeUndefined()
    expect(quarantined).toMatchObject([{ code: 'document_refused', type: 'visits-r1', id: 'anna' }])
    expect(quarantined[0]?.message).toContain('visits-r1')
    expect(JSON.stringify(quarantined)).not.toContain('secret')
    expect(counts).toMatchObject({ DocumentsIndexed: 1, DocumentsRefused: 1 })
    expect(annotations['projectionErrors']).toHaveLength(1)
  })

  test('is quarantined if the merge of the slots throws', async () => {
    const totals = perWindow({
      ...common,
      name: 'totals',
      window: 60,
      slots: 2,
      at: () => 0,
      merge: (a: Counted, b: Counted) => (a.n + b.n > 1 ? fail() : { n: a.n + b.n }),
      document: ({ n }) => ({ n }),
    })
    const { quarantined, index, dependencies } = world([totals, visits], [slot(0, 1), slot(1, 1)])
    await indexBatch([aChange(undefined, slot(1, 1)), aChange(undefined, bob)], dependencies)
    expect(quarantined).toMatchObject([{ code: 'document_refused', type: 'totals-r1', id: '1970-01-01T00:00:00Z' }])
    expect(index.documentOf('visits-r1', 'bob')).toBeDefined()
  })

  test('is one item of the quarantine, however often its state changes', async () => {
    const { quarantined, dependencies } = world([perUserWith(fail)])
    await indexBatch([aChange(undefined, anna)], dependencies)
    await indexBatch([aChange(anna, { ...anna, version: 6 })], dependencies)
    const [first, second] = quarantined
    expect(second?.body).toBe(first?.body)
  })
})

test('a write to a missing index is not done: the batch is delivered again', async () => {
  const { index, dependencies, quarantined } = world([visits])
  index.indices.clear()
  await expect(indexBatch([aChange(undefined, bob)], dependencies)).rejects.toThrow('visits-r1')
  expect(quarantined).toEqual([])
  index.indices.add('visits-r1')
  await indexBatch([aChange(undefined, bob)], dependencies)
  expect(index.documentOf('visits-r1', 'bob')).toBeDefined()
})

describe('a state of a projection that this code does not know', () => {
  const MINUTES = 60
  const stranger = aUserItem('anna', { version: 7, states: { 'visits-r1': { n: 1 }, 'clicks-r1': { n: 1 } } })

  test('is an error for 15 minutes; documents of known projections are written', async () => {
    const { index, dependencies, quarantined } = world([visits])
    await expect(indexBatch([aChange(anna, stranger, SECONDS - 14 * MINUTES)], dependencies)).rejects.toThrow(
      'No code for documents of clicks-r1: the batch is delivered again for 15 minutes.',
    )
    expect(index.documentOf('visits-r1', 'anna')).toEqual({ user: 'anna', n: 1 })
    expect(quarantined).toEqual([])
  })

  test('is then quarantined for a reindex', async () => {
    const { dependencies, quarantined } = world([visits])
    const window: PartItem = { kind: 'window', user: 'eve', projection: 'sums-r3', start: 60, version: 9, state: {} }
    const at = SECONDS - 16 * MINUTES
    await indexBatch([aChange(anna, stranger, at), aChange(undefined, window, at)], dependencies)
    expect(quarantined).toMatchObject([
      { code: 'document_refused', type: 'clicks-r1', id: 'anna' },
      { code: 'document_refused', type: 'sums-r3', id: 'eve#1970-01-01T00:01:00Z' },
    ])
  })

  test('is waited for as long as the dial of the stage says', async () => {
    const { dependencies, quarantined } = world([visits])
    const change = aChange(anna, stranger, SECONDS - 16 * MINUTES)
    const waiting = indexBatch([change], { ...dependencies, deploymentWaitMs: 20 * 60_000 })
    await expect(waiting).rejects.toThrow('for 20 minutes.')
    expect(quarantined).toEqual([])
    await indexBatch([change], { ...dependencies, deploymentWaitMs: 60_000 })
    expect(quarantined).toHaveLength(1)
  })

  test('a greater revision of a known name is unknown, a lower one is retired and skipped', async () => {
    const { dependencies, quarantined } = world([perUserWith(shown, { revision: 2 })])
    await indexBatch([aChange(undefined, anna, SECONDS)], dependencies)
    expect(quarantined).toEqual([])
    const next = aUserItem('anna', { states: { 'visits-r3': { n: 1 } } })
    await expect(indexBatch([aChange(anna, next, SECONDS)], dependencies)).rejects.toThrow('visits-r3')
  })

  test('is not judged where the change did not touch it', async () => {
    const { dependencies } = world([visits])
    const later = { ...stranger, version: 8, states: { ...stranger.states, 'visits-r1': { n: 2 } } }
    await expect(indexBatch([aChange(stranger, later, SECONDS)], dependencies)).resolves.toBeUndefined()
  })
})

import fc from 'fast-check'
import { packIdentities, type RememberedIdentity, unpackIdentities } from '../../../shared/memory/identities.ts'
import { IdentityMemory, type MemoryRules } from '../../../shared/memory/identity-memory.ts'
import { loadMemory } from '../../../shared/memory/load-memory.ts'
import { readContent } from '../../../shared/memory/page-content.ts'
import { planPages } from '../../../shared/memory/plan-pages.ts'
import { packReferences, unpackReferences } from '../../../shared/memory/references.ts'
import { pageSizes } from '../../../shared/memory/rules.ts'
import type { UserItem } from '../../../shared/state.ts'
import { aUserItem } from '../../fixtures/builders.ts'

const START = 1_700_000_000
const DAY = 86_400
const rules: MemoryRules = { seconds: 900, count: 5000, statedSeconds: 7 * DAY, maxOldPages: 64, sizes: pageSizes }
const tiny: MemoryRules = {
  seconds: 15,
  count: 5,
  statedSeconds: 1000,
  maxOldPages: 1000,
  sizes: { item: 2, small: 4, large: 8, index: 2 },
}

/** A user whose pages are kept in memory. Each fold is a write. */
function aUser({ with: rules }: { readonly with: MemoryRules }) {
  const pages = new Map<string, { readonly isIndex: boolean; readonly packed: Uint8Array }>()
  const reads: number[] = []
  let item: UserItem = aUserItem('u')
  const readPages = async (_user: string, ids: readonly string[]) => {
    reads.push(ids.length)
    return new Map(
      ids.flatMap(id => {
        const page = pages.get(id)
        return page ? [[id, readContent(page.isIndex, page.packed)] as const] : []
      }),
    )
  }
  /** Folds events that arrive together, and then wait. Returns which of them are repetitions. */
  async function fold(
    events: readonly RememberedIdentity[],
    waitedSeconds = 0,
  ): Promise<{ repeated: boolean[]; skipped: number }> {
    const lookups = events.map(({ arrived, stated }) => ({ arrived: arrived * 1000, stated }))
    const now = () => ((events[0]?.arrived ?? 0) + waitedSeconds) * 1000
    const loaded = await loadMemory(item, lookups, { pages: { readPages }, rules, now })
    const memory = new IdentityMemory(loaded, rules)
    const repeated = events.map(event => {
      const isRepeated = memory.has(event)
      if (!isRepeated) memory.keep(event)
      return isRepeated
    })
    const { identities, pages: references, newPages } = planPages(loaded, memory.recent, events.at(-1)?.arrived ?? 0, rules)
    for (const { reference, packed } of newPages) pages.set(reference.id, { isIndex: reference.isIndex, packed })
    item = { ...item, identities, pages: references }
    return { repeated, skipped: loaded.skipped }
  }
  const bytes = () => item.identities.length + item.pages.length
  return { fold, pages, reads, bytes, references: () => unpackReferences(item.pages) }
}

const event = (hash: number, arrived: number, stated?: number): RememberedIdentity => ({ hash: BigInt(hash), arrived, stated })

/** What is a repetition, without pages. */
function plainMemory({ seconds, count, statedSeconds }: MemoryRules) {
  const seen: RememberedIdentity[] = []
  return ({ hash, arrived, stated }: RememberedIdentity): boolean => {
    const isRepeated = seen.some((each, at) => {
      const age = arrived - each.arrived
      const isRecent = age <= seconds && at >= seen.length - count
      return each.hash === hash && (isRecent || (stated !== undefined && each.stated === stated && age <= statedSeconds))
    })
    if (!isRepeated) seen.push({ hash, arrived, stated })
    return isRepeated
  }
}

test('whatever the batches are, exactly those events are repetitions that a list of all events finds', async () => {
  const step = fc.record({
    hash: fc.integer({ min: 1, max: 25 }),
    stated: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    pause: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.constantFrom(16, 40, 600, 990, 1001, 5000)),
    joins: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async steps => {
      const { fold } = aUser({ with: tiny })
      const isRepeated = plainMemory(tiny)
      let arrived = START
      const batches: RememberedIdentity[][] = []
      for (const { hash, stated, pause, joins } of steps) {
        arrived += pause
        const next = event(hash, arrived, stated === undefined ? undefined : START + stated)
        const last = batches.at(-1)
        if (joins && last) last.push(next)
        else batches.push([next])
      }
      for (const batch of batches) expect((await fold(batch)).repeated).toEqual(batch.map(isRepeated))
    }),
    { numRuns: 300 },
  )
})

test('packed identities and references are read back as they were', () => {
  const identity = fc.record({
    hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    arrived: fc.integer({ min: 0, max: 5_000_000_000 }),
    stated: fc.option(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(identity), identities => {
      expect(unpackIdentities(packIdentities(identities))).toEqual(identities)
    }),
  )
  const reference = fc.record({
    id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(id => id.toString(16).padStart(16, '0')),
    isIndex: fc.boolean(),
    count: fc.nat(),
    oldest: fc.integer({ min: 0, max: 1000 }),
    newest: fc.integer({ min: 1000, max: 5_000_000_000 }),
    stated: fc.option(fc.constantFrom({ from: -5, to: 5 }, { from: 0, to: 0 }, { from: 7, to: 5_000_000_000 }), {
      nil: undefined,
    }),
  })
  fc.assert(
    fc.property(fc.array(reference), references => {
      expect(unpackReferences(packReferences(references))).toEqual(references)
    }),
  )
})

test('a device with a reading a second has an item memory of less than 700 bytes, and recognises readings of 6 days ago', async () => {
  const user = aUser({ with: rules })
  const batch = (start: number, length: number) =>
    Array.from({ length }, (_, i) => event(start + i, START + start + i, START + start + i))
  let largest = 0
  for (let at = 0; at < 6 * DAY; at += 300) {
    await user.fold(batch(at, 300))
    largest = Math.max(largest, user.bytes())
  }
  expect(largest).toBeLessThan(700)
  const again = { ...event(1234, START + 6 * DAY), stated: START + 1234 }
  user.reads.length = 0
  expect((await user.fold([again])).repeated).toEqual([true])
  expect(user.reads.reduce((sum, pages) => sum + pages, 0)).toBeLessThan(12)
  expect((await user.fold([{ ...again, stated: again.stated + 1 }])).repeated).toEqual([false])
})

test('an event that may be in more old pages than a fold reads is decided without them, and the pages are counted', async () => {
  const { fold } = aUser({ with: { ...tiny, maxOldPages: 1 } })
  for (let i = 0; i < 60; i++) await fold([event(i, START + 20 * i, START + (i % 2) * 900)])
  const { skipped } = await fold([event(1, START + 1200, START + 450)])
  expect(skipped).toBeGreaterThan(0)
})

test('a page that is missing fails the fold, unless it may have expired', async () => {
  const user = aUser({ with: tiny })
  for (let i = 0; i < 6; i++) await user.fold([event(i, START + i, START + i)])
  user.pages.clear()
  await expect(user.fold([event(1, START + 8, START + 1)])).rejects.toThrow('A page of the identities of a user is missing.')
  expect(await user.fold([event(1, START + 2 * DAY, START + 1)])).toEqual({ repeated: [false], skipped: 0 })
})

test('expired pages that matter to events that have waited are counted', async () => {
  const user = aUser({ with: tiny })
  for (let i = 0; i < 6; i++) await user.fold([event(i, START + i, START + i)])
  user.pages.clear()
  expect(await user.fold([event(1, START + 8, START + 1)], 2 * DAY)).toMatchObject({ repeated: [false], skipped: 1 })
})

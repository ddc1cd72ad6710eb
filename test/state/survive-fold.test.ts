import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { surviveFold } from '../../lambdas/state/survive-fold.ts'
import type { FoldAttempts } from '../../shared/state.ts'
import { aUserItem, aVisit } from '../fixtures/builders.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'

const START = 1_700_000_000_000
const MINUTE = 60_000
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-fatal-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('an event that ends the process is quarantined after the retry budget, and the others of its record are folded', () => {
  const file = path.join(folder, 'table.json')
  const codes: (number | null)[] = []
  for (let minute = 1; minute < 20 && codes.at(-1) !== 0; minute++)
    codes.push(spawnSync(process.execPath, ['test/fixtures/fatal-fold.ts', file, String(START + minute * MINUTE)]).status)
  expect(codes.at(-1)).toBe(0)
  expect(new Set(codes.slice(0, -1))).toEqual(new Set([9]))
  // Three attempts are free, the budget is five minutes, and one attempt finds the event.
  expect(codes.length).toBeGreaterThan(5)
  const { items, quarantined } = JSON.parse(readFileSync(file, 'utf8'))
  const [, user] = items.find(([key]: [string]) => key === 'user#7|state')
  expect(JSON.parse(user.st.S)).toEqual({ 'visits-r1': { n: 4 } })
  expect(quarantined).toEqual(['e3 retry_budget_spent'])
}, 60_000)

const record = {
  sequenceNumber: '1',
  received: START,
  arrived: START,
  events: [aVisit('/a', 1)],
  positions: [0],
  erasure: false,
  user: '1',
  unrecognised: [],
}
const rules = { projections: [], memory, latenessMs: undefined, retentionMs: 0 }
const turns = new FoldTurns('b')

test('a fold that has a result leaves no unfinished attempt, however old its record is', async () => {
  let stored: FoldAttempts | undefined
  const table = {
    readAttempts: async () => stored,
    writeAttempts: async (_user: string, _key: string, attempts: FoldAttempts) => {
      stored = attempts
    },
  }
  for (let minute = 1; minute < 20; minute++) {
    const now = () => START + minute * MINUTE
    const fatal = await surviveFold(
      aStoredUser('1'),
      [record],
      { table, rules, retryBudgetMs: 300_000, turns: new FoldTurns(String(minute)), now },
      ([first]) => first?.rejected,
    )
    expect([fatal, stored?.unfinished]).toEqual([undefined, 0])
  }
})

test('a young record is folded without a note', async () => {
  const fail = async () => {
    throw new Error('This test stores nothing.')
  }
  const dependencies = {
    table: { readAttempts: fail, writeAttempts: fail },
    rules,
    retryBudgetMs: 0,
    turns,
    now: () => START + 1000,
  }
  expect(await surviveFold(aStoredUser('1'), [record], dependencies, records => records.length)).toBe(1)
})

test('a record that the item already contains is not noted', async () => {
  const fail = async () => {
    throw new Error('This test stores nothing.')
  }
  const dependencies = {
    table: { readAttempts: fail, writeAttempts: fail },
    rules,
    retryBudgetMs: 0,
    turns,
    now: () => START + MINUTE,
  }
  const stored = aUserItem('1', { sequenceNumber: '1' })
  expect(await surviveFold(aStoredUser('1', stored), [record], dependencies, records => records.length)).toBe(1)
})

test('a fold that ends without a result after every event was tried blames none of them', async () => {
  let stored: FoldAttempts = { process: 'a', unfinished: 9, since: START, trying: undefined, fatal: [] }
  const table = {
    readAttempts: async () => stored,
    writeAttempts: async (_user: string, _key: string, attempts: FoldAttempts) => {
      stored = attempts
    },
  }
  const dependencies = { table, rules, retryBudgetMs: 300_000, turns, now: () => START + 60 * MINUTE }
  const dies = () => {
    throw new Error('ended')
  }
  await expect(surviveFold(aStoredUser('1'), [record], dependencies, dies)).rejects.toThrow('ended')
  expect(stored).toMatchObject({ trying: undefined, fatal: [] })
})

test('a few attempts that ended for other reasons do not begin a trial, however long ago they were', async () => {
  const written: FoldAttempts[] = []
  const table = {
    readAttempts: async () => ({ process: 'a', unfinished: 2, since: START, trying: undefined, fatal: [] }),
    writeAttempts: async (_user: string, _key: string, attempts: FoldAttempts) => void written.push(attempts),
  }
  const dependencies = { table, rules, retryBudgetMs: 300_000, turns, now: () => START + 60 * MINUTE }
  await surviveFold(aStoredUser('1'), [record], dependencies, records => records.length)
  expect(written.map(({ unfinished, trying }) => [unfinished, trying])).toEqual([
    [3, undefined],
    [0, undefined],
  ])
})

test('notes that cannot be written spend no budget, and blame no event: the process still runs', async () => {
  let stored: FoldAttempts | undefined
  const blamed: unknown[] = []
  for (let minute = 1; minute < 20; minute++) {
    let writes = 0
    const table = {
      readAttempts: async () => stored,
      // What follows the fold is throttled.
      writeAttempts: async (_user: string, _key: string, attempts: FoldAttempts) => {
        writes += 1
        if (writes > 1 && attempts.trying === undefined) throw new Error('throttled')
        stored = attempts
      },
    }
    const dependencies = { table, rules, retryBudgetMs: 300_000, turns, now: () => START + minute * MINUTE }
    const run = surviveFold(aStoredUser('1'), [record], dependencies, ([first]) => blamed.push(first?.rejected))
    await expect(run).rejects.toThrow('throttled')
  }
  expect(stored).toMatchObject({ unfinished: 1, fatal: [] })
  expect(blamed).toEqual(Array(19).fill(undefined))
})

test('an event that was being tried when another process ended is fatal; one that this process survived is not', async () => {
  for (const [process, expected] of [
    ['a', []],
    ['b', [{ sequenceNumber: '1', position: 0 }]],
  ] as const) {
    const trying = { sequenceNumber: '1', position: 0 }
    const written: FoldAttempts[] = []
    const table = {
      readAttempts: async () => ({ process: 'a', unfinished: 9, since: START, trying, fatal: [] }),
      writeAttempts: async (_user: string, _key: string, attempts: FoldAttempts) => void written.push(attempts),
    }
    const dependencies = { table, rules, retryBudgetMs: 300_000, turns: new FoldTurns(process), now: () => START + 60 * MINUTE }
    await surviveFold(aStoredUser('1'), [record], dependencies, () => {})
    expect(written[0]?.fatal).toEqual(expected)
  }
})

import { runLocked } from '../../lambdas/reports/run-locked.ts'
import { SafeError } from '../../shared/safe-error.ts'

const result = { prefix: 'reports/r/', rows: 1 }
const request = { report: 'r', name: 'at#1', run: 'run-1', now: 0, once: true }

function aTable(change: object = {}) {
  const calls: string[] = []
  const noting = (name: string) => async () => {
    calls.push(name)
    return true
  }
  const table = {
    lock: async () => ({ state: 'taken' }) as const,
    finish: noting('finish'),
    release: noting('release'),
    ...change,
  }
  return { table, calls }
}

test('a run that has taken the lock is finished; one that throws releases it', async () => {
  const { table, calls } = aTable()
  expect(await runLocked(request, table, async () => result)).toEqual({ result, isNew: true })
  await expect(runLocked(request, table, () => Promise.reject(new SafeError('No disk.')))).rejects.toThrow('No disk.')
  expect(calls).toEqual(['finish', 'release'])
})

test('the error of a run is thrown also if its lock cannot be released', async () => {
  const { table } = aTable({ release: () => Promise.reject(new Error('the table is down')) })
  await expect(runLocked(request, table, () => Promise.reject(new SafeError('No disk.')))).rejects.toThrow('No disk.')
})

test('a run of which another one holds the lock, or has the result, does nothing', async () => {
  const never = () => Promise.reject(new Error('It has run.'))
  const held = aTable({ lock: async () => ({ state: 'held', until: 60_000 }) })
  await expect(runLocked(request, held.table, never)).rejects.toThrow('at the latest after 1970-01-01T00:01:00.000Z')
  const done = aTable({ lock: async () => ({ state: 'done', result }) })
  expect(await runLocked(request, done.table, never)).toEqual({ result, isNew: false })
})

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { jobsTable } from '../../lambdas/jobs/dynamodb.ts'
import { cancelled, type Job } from '../../lambdas/jobs/plan-job.ts'
import { type JobDefinition, runJob, startJob } from '../../lambdas/jobs/run-job.ts'
import { parseJobId } from '../../shared/jobs.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { jobsItems } from '../fakes/jobs-items.ts'

const MINUTE = 60_000
let clock = 0
/** Whether each put loses its response, so that the SDK sends it again. */
let losesResponses = false
let dependencies: { readonly table: ReturnType<typeof jobsTable>; readonly now: () => number }
beforeEach(() => {
  clock = 1_800_000_000_000
  losesResponses = false
  const client: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send: jobsItems(() => losesResponses) })
  dependencies = { table: jobsTable('jobs', client), now: () => clock }
})

/** Counts to 3, one in each step. `before` runs at the beginning of each step. */
const counting = (before: (at: number) => void = () => undefined): JobDefinition<number> => ({
  kind: 'reindex',
  stepMs: MINUTE,
  check: input => input,
  plan: async () => ({ cursor: 1, done: 0, total: 3 }),
  async step(at) {
    before(at)
    return { cursor: at < 3 ? at + 1 : null, done: at, total: 3, counts: { numbers: 1 }, ...(at === 3 && { result: 'all' }) }
  },
})

const run = (definition: JobDefinition<number>, milliseconds = 10 * MINUTE) =>
  runJob(definition, clock + milliseconds, dependencies)
const newest = async (): Promise<Job | undefined> => (await dependencies.table.newest('reindex', 1))[0]

test('a job is planned, does its steps and ends with its result; the next one gets the next number', async () => {
  expect(await startJob(counting(), {}, dependencies)).toMatchObject({ id: 'reindex-1', state: 'queued', total: null })
  expect(await run(counting())).toMatchObject({ state: 'done', done: 3, total: 3, result: 'all', error: null })
  expect(await newest()).toMatchObject({ result: 'all' })
  expect(await startJob(counting(), {}, dependencies)).toMatchObject({ id: 'reindex-2' })
})

test('one job of a kind runs at a time, also if two start at once', async () => {
  const started = await Promise.all([1, 2, 3].map(() => startJob(counting(), {}, dependencies)))
  expect(started.filter(job => job !== undefined)).toHaveLength(1)
  expect(await startJob(counting(), {}, dependencies)).toBeUndefined()
})

test('a job whose puts lose their responses is started and runs to its end, and the next one begins only then', async () => {
  losesResponses = true
  expect(await startJob(counting(), {}, dependencies)).toMatchObject({ id: 'reindex-1' })
  expect(await startJob(counting(), {}, dependencies)).toBeUndefined()
  expect(await run(counting())).toMatchObject({ state: 'done', done: 3, counts: { numbers: 3 } })
  expect((await newest())?.version).toBe(9)
})

test('an invocation begins no step after its time; the next one continues with the cursor', async () => {
  await startJob(counting(), {}, dependencies)
  const slow = counting(() => {
    clock += MINUTE
  })
  expect(await run(slow, 1.5 * MINUTE)).toMatchObject({ state: 'running', done: 2 })
  const begun: number[] = []
  expect(await run(counting(at => void begun.push(at)))).toMatchObject({ state: 'done', counts: { numbers: 3 } })
  expect(begun).toEqual([3])
})

test('while a step runs, no other invocation begins one; after the time of a step, it is repeated', async () => {
  await startJob(counting(), {}, dependencies)
  const others: number[] = []
  const definition = counting(() => undefined)
  const { step } = definition
  const withOther = {
    ...definition,
    async step(at: number) {
      const other = await run(counting(at => void others.push(at)))
      expect(other).toMatchObject({ state: 'running' })
      return step(at)
    },
  }
  expect(await run(withOther)).toMatchObject({ state: 'done' })
  expect(others).toEqual([])
})

test('a step that throws is repeated later, with the error shown meanwhile; after nine attempts the job has failed', async () => {
  await startJob(counting(), {}, dependencies)
  const failing = counting(at => {
    if (at === 2) throw new TypeError('secret of a client')
  })
  await expect(run(failing)).rejects.toThrow()
  expect(await newest()).toMatchObject({ state: 'running', done: 1, error: expect.stringMatching(/^TypeError/) })
  expect(await run(counting())).toMatchObject({ state: 'running', done: 1 })
  for (let attempt = 2; attempt <= 9; attempt++) {
    clock += 33 * MINUTE
    await expect(run(failing)).rejects.toThrow()
  }
  const failed = await newest()
  expect(failed).toMatchObject({ state: 'failed', ended: clock })
  expect(JSON.stringify(failed)).not.toContain('secret')
})

test('the error of a step is thrown also if the table does not take it', async () => {
  await startJob(counting(), {}, dependencies)
  const { table } = dependencies
  const broken = { ...dependencies, table: { ...table } }
  const failing = counting(() => {
    broken.table.replace = () => Promise.reject(new Error('the table is down'))
    throw new SafeError('The day cannot be merged.')
  })
  await expect(runJob(failing, clock + 10 * MINUTE, broken)).rejects.toThrow('The day cannot be merged.')
})

test('the error of a job is one line without stack frames, also that of a cause', async () => {
  await startJob(counting(), {}, dependencies)
  const failing = counting(() => {
    const cause = Object.assign(new RangeError('secret of a client'), { code: 'ENOSPC' })
    throw new SafeError('The day cannot be merged.', { cause })
  })
  await expect(run(failing)).rejects.toThrow('The day cannot be merged.')
  expect(await newest()).toMatchObject({ error: 'The day cannot be merged. Cause: RangeError ENOSPC' })
})

const skipping = (before?: (at: number) => void): JobDefinition<number> => ({
  ...counting(before),
  skip: at => ({ cursor: at < 3 ? at + 1 : null, done: at, total: 3, counts: { skipped: 1 } }),
})

test('a job that can skip goes on after a step that failed nine times, and counts it', async () => {
  await startJob(counting(), {}, dependencies)
  const failing = skipping(at => {
    if (at === 2) throw new TypeError('never')
  })
  for (let attempt = 1; attempt <= 9; attempt++) {
    await expect(run(failing)).rejects.toThrow()
    clock += 33 * MINUTE
  }
  expect(await newest()).toMatchObject({ state: 'running', cursor: 3, attempts: 0 })
  expect(await run(failing)).toMatchObject({ state: 'done', done: 3, counts: { numbers: 2, skipped: 1 }, error: null })
})

test('so it does after a step that was stopped nine times, also the last one', async () => {
  await startJob(counting(), {}, dependencies)
  let stopped = 0
  const stopping: JobDefinition<number> = {
    ...skipping(),
    step: async at => {
      if (at < 3) return counting().step(at)
      stopped++
      return new Promise<never>(() => undefined)
    },
  }
  for (let attempt = 1; attempt <= 9; attempt++) {
    void run(stopping)
    await new Promise(setImmediate)
    clock += 2 * MINUTE
  }
  expect(await run(stopping)).toMatchObject({ state: 'done', counts: { numbers: 2, skipped: 1 } })
  expect(stopped).toBe(9)
})

test('a step whose invocations are stopped nine times ends the job', async () => {
  await startJob(counting(), {}, dependencies)
  const stopped = { ...counting(), step: () => new Promise<never>(() => undefined) }
  for (let attempt = 1; attempt <= 9; attempt++) {
    void run(stopped)
    await new Promise(setImmediate)
    clock += 2 * MINUTE
  }
  await expect(run(counting())).rejects.toThrow('A step was stopped 9 times before its end.')
  expect(await newest()).toMatchObject({ state: 'failed' })
})

test('a cancelled job begins no further step, and what its last step returns changes nothing', async () => {
  await startJob(counting(), {}, dependencies)
  const definition = counting()
  const { step } = definition
  const cancelling = {
    ...definition,
    async step(at: number) {
      const job = await newest()
      if (job && at === 2) expect(await dependencies.table.replace(cancelled(job, clock))).toBe(true)
      return step(at)
    },
  }
  expect(await run(cancelling)).toBeUndefined()
  expect(await newest()).toMatchObject({ state: 'cancelled', done: 1 })
  expect(await run(counting())).toMatchObject({ state: 'cancelled' })
})

test.each(['reindex', 'reindex-0', 'reindex-1a', 'nothing-1', '__proto__-1', 'reindex-9999999999', ''])('%j names no job', id => {
  expect(parseJobId(id)).toBeUndefined()
})

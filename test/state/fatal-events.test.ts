import type { KinesisStreamRecord } from 'aws-lambda'
import * as z from 'zod/mini'
import type { DynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import type { EventType } from '../../shared/event-type.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import type { Projection } from '../../shared/projection.ts'
import { eventOf, idsOf, recordOf, START, smallFold } from '../fixtures/small-fold.ts'

const MINUTE = 60_000

/** Runs a batch in a new process each minute until one returns. `projectionOf` gets what ends the process. */
async function runUntilDone(batch: readonly KinesisStreamRecord[], projectionOf: (die: () => never) => Projection) {
  const fold = smallFold()
  for (let minute = 1; minute < 40; minute++) {
    let isDead = false
    const alive = <T>(run: () => Promise<T>): Promise<T> => (isDead ? new Promise<T>(() => {}) : run())
    const die = () => {
      isDead = true
      throw new Error('The process ended.')
    }
    const stopped = new Promise<undefined>(resolve => setTimeout(resolve, 20, undefined))
    const run = fold.run(batch, {
      projections: [projectionOf(die)],
      now: START + minute * MINUTE,
      turns: new FoldTurns(String(minute)),
      operations: whileAlive(fold.items.operations(), alive),
      add: events => alive(() => fold.add(events)),
    })
    if (await Promise.race([run, stopped])) return { ...fold, minute }
  }
  throw new Error('The batch was never done.')
}

/** The calls of a process: none returns after its end. */
function whileAlive(operations: DynamoDbOperations, alive: <T>(run: () => Promise<T>) => Promise<T>): DynamoDbOperations {
  const calls = Object.entries(operations).map(([name, call]) => {
    const any = call as (input: unknown) => unknown
    return [name, name === 'query' ? call : (input: unknown) => alive(async () => any(input))]
  })
  return Object.fromEntries(calls) as DynamoDbOperations
}

test('an event that ends the process costs no event of another user of the batch', async () => {
  const users = ['z', 'a', 'b', 'c', 'd']
  const batch = users.map((user, at) => recordOf(at + 1, [eventOf(`${user}1`, 'x', user)]))
  const { quarantined, states } = await runUntilDone(batch, die => idsOf('n', 'x', id => id === 'z1' && die()))
  expect(quarantined()).toEqual(['z1 retry_budget_spent'])
  for (const user of users.slice(1)) expect(await states(user)).toEqual({ 'n-r1': [`${user}1`] })
})

test('an event that ends the process only after another one of its window is found', async () => {
  const batch = [
    recordOf(
      1,
      ['e1', 'e2', 'e3'].map(id => eventOf(id, 'x', 'a')),
    ),
  ]
  const { quarantined } = await runUntilDone(batch, die => {
    const window = perUserWindow({
      ...{ name: 'n', revision: 1, on: [{ name: 'x' } as EventType], window: 60, at: () => 0, initial: () => 0 },
      ...{ key: 'user', shape: z.object({ n: z.number() }), merge: (a: number, b: number) => a + b },
      fold: (n, { id }) => (id === 'e2' && n > 0 ? die() : n + 1),
      document: n => ({ n }),
    })
    return window as unknown as Projection
  })
  expect(quarantined()).toEqual(['e2 retry_budget_spent'])
})

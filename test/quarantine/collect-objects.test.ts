import { type Collected, collect, type FailureSource } from '../../lambdas/quarantine/collect-objects.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

/** Objects by key. The text of each says what happens to it. */
function aSource(texts: Readonly<Record<string, string>>) {
  const objects = new Map(Object.entries(texts))
  const source: FailureSource = {
    objects: {
      async *list() {
        yield* [...objects.keys()]
      },
      readText: async key => objects.get(key) ?? '',
      remove: async key => void objects.delete(key),
    },
    prefix: '',
    parse: text => {
      if (text === 'unknown') throw new SyntaxError(text)
      return async () => {
        if (text === 'unread') throw new SafeError('The users could not be read.')
        return {
          events: [aQuarantinedEvent({ id: text })],
          mark: () => (text === 'unmarked' ? Promise.reject(new TypeError(text)) : Promise.resolve()),
        }
      }
    },
  }
  return { objects, source }
}

async function collectAll(source: FailureSource, clock = { now: 0 }) {
  const added: QuarantinedEvent[] = []
  const quarantine = { add: async (events: readonly QuarantinedEvent[]) => void added.push(...events) }
  const results: Collected[] = []
  for await (const result of collect(source, quarantine, { deadline: 1, now: () => clock.now++ })) results.push(result)
  return { results, added: added.map(({ id }) => id) }
}

test('an object that fails stays in place and does not stop those after it', async () => {
  const { source, objects } = aSource({ 1: 'unread', 2: 'unknown', 3: 'unmarked', 4: 'a' })
  const { results, added } = await collectAll(source, { now: -10 })
  expect(results).toMatchObject([
    { key: '1', problem: 'The users could not be read.' },
    { key: '2', problem: 'It is not a known failure.' },
    { key: '3', problem: expect.stringMatching(/^TypeError/) },
    { key: '4', events: [{ id: 'a' }] },
  ])
  expect(added).toEqual(['unmarked', 'a'])
  expect([...objects.keys()]).toEqual(['1', '2', '3'])
})

test('no object is begun after the deadline', async () => {
  const { source, objects } = aSource({ 1: 'a', 2: 'b', 3: 'c' })
  expect((await collectAll(source)).added).toEqual(['a', 'b'])
  expect([...objects.keys()]).toEqual(['3'])
})

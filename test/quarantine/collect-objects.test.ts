import { type Collected, collect, type FailureSource } from '../../lambdas/quarantine/collect-objects.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

/** Objects by key. The text of each failure says what happens to it. */
function aSource(texts: Readonly<Record<string, string>>, failure: FailureSource['failure'] = 'object') {
  const objects = new Map(Object.entries(texts))
  const source: FailureSource = {
    objects: {
      async *list() {
        yield* [...objects].map(([key, { length: size }]) => ({ key, size }))
      },
      async *readText({ key }) {
        yield objects.get(key) ?? ''
      },
      remove: async key => void objects.delete(key),
    },
    prefix: '',
    failure,
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

/** The clock goes on by one with each object, and with each call of the quarantine. */
async function collectAll(sources: readonly FailureSource[], clock = { now: 0 }, end = 1_000) {
  const added: (readonly QuarantinedEvent[])[] = []
  const quarantine = { add: async (events: readonly QuarantinedEvent[]) => void added.push(events) }
  const results: Omit<Collected, 'source'>[] = []
  for await (const { source: _source, ...result } of collect(sources, quarantine, { deadline: 1, end, now: () => clock.now++ }))
    results.push(result)
  return { results, added: added.flat().map(({ id }) => id), occurrences: added.map(([first]) => first?.occurrence) }
}

const EARLY = { now: -1e6 }
const lines = (count: number) => Array.from({ length: count }, (_, n) => `${n}\n`).join('')

test('an object that fails stays in place and does not stop those after it', async () => {
  const { source, objects } = aSource({ 1: 'unread', 2: 'unknown', 3: 'unmarked', 4: 'a' })
  const { results, added } = await collectAll([source], { ...EARLY })
  expect(results).toEqual([
    { key: '1', problem: 'The users could not be read.' },
    { key: '2', problem: 'It is not a known failure.' },
    { key: '3', problem: expect.stringMatching(/^TypeError/) },
    { key: '4', events: new Map([[aQuarantinedEvent({}).code, 1]]) },
  ])
  expect(added).toEqual(['unmarked', 'a'])
  expect([...objects.keys()]).toEqual(['1', '2', '3'])
})

test('no object is begun after the deadline, and the first one that waits is named', async () => {
  const { source, objects } = aSource({ 1: 'a', 2: 'b' })
  const { added, results } = await collectAll([source])
  expect(added).toEqual(['a'])
  expect(results.slice(1)).toEqual([{ key: '2', isLate: true }])
  expect([...objects.keys()]).toEqual(['2'])
})

test('sources take turns: many objects of one do not keep those of another waiting', async () => {
  const [many, few] = [aSource({ 1: 'a', 2: 'b', 3: 'c' }), aSource({ 4: 'd' })]
  expect((await collectAll([many.source, few.source], { ...EARLY })).added).toEqual(['a', 'd', 'b', 'c'])
})

test('a source that cannot be listed is a problem of its prefix, and does not stop the others', async () => {
  const { source } = aSource({ 1: 'a', 2: 'b' })
  const list = async function* () {
    yield* []
    throw new SafeError('Access denied.')
  }
  const closed: FailureSource = { ...source, prefix: 'closed/', objects: { ...source.objects, list } }
  const { added, results } = await collectAll([closed, source], { ...EARLY })
  expect(added).toEqual(['a', 'b'])
  expect(results[0]).toEqual({ key: 'closed/', problem: 'Access denied.' })
})

test('a large object is added in parts, whose occurrences depend only on its key and their place in it', async () => {
  const { source, objects } = aSource({ 1: lines(6_000) }, 'line')
  const { results, occurrences } = await collectAll([source], { ...EARLY })
  expect(results).toEqual([{ key: '1', events: new Map([[aQuarantinedEvent({}).code, 6_000]]) }])
  expect(occurrences).toEqual(['1#0', '1#2500', '1#5000'])
  expect(objects.size).toBe(0)
})

test('a part is added before the next one is read', async () => {
  const { source } = aSource({ 1: '' }, 'line')
  const done: string[] = []
  const readText = async function* () {
    for (const part of ['a', 'b']) {
      done.push(`read ${part}`)
      yield `${part}\n`.repeat(2_500)
    }
  }
  const quarantine = { add: async ([first]: readonly QuarantinedEvent[]) => void done.push(`add ${first?.id}`) }
  const times = { deadline: 1, end: 1, now: () => 0 }
  for await (const _ of collect([{ ...source, objects: { ...source.objects, readText } }], quarantine, times));
  expect(done).toEqual(['read a', 'read b', 'read a', 'add a', 'read b', 'add b'])
})

test('of an object with one unknown line, nothing is added', async () => {
  const { source, objects } = aSource({ 1: `${lines(3_000)}unknown` }, 'line')
  const { results, added } = await collectAll([source], { ...EARLY })
  expect(results).toEqual([{ key: '1', problem: 'It is not a known failure.' }])
  expect({ added: added.length, left: objects.size }).toEqual({ added: 0, left: 1 })
})

test('an object that the run has no time to finish stays in place', async () => {
  const { source, objects } = aSource({ 1: lines(6_000) }, 'line')
  const { results, added } = await collectAll([source], undefined, 1)
  expect(results).toEqual([{ key: '1', problem: expect.stringContaining('no time left') }])
  expect({ added: added.length, left: objects.size }).toEqual({ added: 2_500, left: 1 })
})

import { judgeItems } from '../../cli/quarantine/dry-run.ts'
import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { type ReplayDependencies, replayEvents } from '../../lambdas/ingest/replay-events.ts'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { bundleStore } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { type QuarantinedEvent, quarantineKey, type ReplayRequest } from '../../shared/quarantine.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { catalogue } from '../fixtures/a-quarantine.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

const visit = (n: number, url: unknown = '/a'): QuarantinedEvent => {
  const data = { Id: n, Url: url, Timestamp: 2 }
  return aQuarantinedEvent({ id: `e${n}`, position: n, body: JSON.stringify({ id: `e${n}`, type: 'page_visit', data }) })
}

test('a dry run judges events of items and of bundles, and writes nothing', async () => {
  const stores = quarantineStores()
  const quarantine = requestQuarantine(quarantineStore('t', 'b', stores.dynamodb, stores.s3))
  const bundle = Array.from({ length: 20 }, (_, n) => visit(n, n < 5 ? 7 : '/a'))
  await quarantine.add(bundle)
  await quarantine.add([...bundle, visit(99)])
  // One event that is in a bundle, too, and one that is not.
  await quarantine.add([visit(3, 7), visit(50)])
  const unused = async () => {
    throw new Error('A dry run stores nothing.')
  }
  const dependencies: ReplayDependencies = {
    quarantine: quarantineReader('t', 'b', stores.dynamodb, stores.s3),
    eventTypes: catalogue,
    keys: async () => [],
    signedTraits: false,
    put: unused,
    writeDocument: unused,
    mergeDelta: unused,
    now: Date.now,
  }
  const [items, objects] = [structuredClone([...stores.items]), [...stores.objects]]
  const requests: ReplayRequest[] = []
  const outcomes = await judgeItems(await scanQuarantine(stores), {
    bundles: bundleStore(stores),
    call: async request => {
      requests.push(request)
      return replayEvents(request, dependencies)
    },
  })
  expect([[...stores.items], [...stores.objects]]).toEqual([items, objects])
  expect(requests.every(({ dryRun }) => dryRun)).toBe(true)
  expect(requests[0]?.keys).toHaveLength(2)
  expect(outcomes).toHaveLength(22)
  const refused = outcomes.filter(({ replayed }) => !replayed).map(({ key }) => key)
  expect(refused.sort()).toEqual(bundle.slice(0, 5).map(quarantineKey).sort())
})

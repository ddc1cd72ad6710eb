import { handler as mergeWindows } from '../../../lambdas/windows/windows.lambda.ts'
import type { Cloud } from './cloud.ts'
import { START } from './environment.ts'
import { readStream } from './pipeline.ts'

/** Adds records that no client sends: erasures, lines for one reader only, unrecognised lines, late readings and readings with absurd times. */
export function addUnusualRecords(cloud: Cloud): void {
  const times = (ms: number) => `"event_time_us":${ms}000,"received_time_us":${ms}000`
  const line = (type: string, id: string, subject: string, more = '', ms = START + 60_000) =>
    `{${times(ms)},"event_id":"${id}","event_type":"${type}","source":"web","subject":"${subject}"${more}}`
  const readingAt = (id: string, seconds: number) =>
    line(
      'reading',
      id,
      'device-1',
      `,"reading_device_id":"device-1","reading_timestamp":${seconds},"reading_temperature":1.5,"reading_event_duration":2,"reading_status":"ok"`,
    )
  const put = (user: string, lines: readonly string[]) => void cloud.put(user, Buffer.from(`${lines.join('\n')}\n`))
  put('1', [line('millrace.erasure', 'x1', '1')])
  put('device-2', [line('millrace.erasure', 'x2', 'device-2')])
  put('1', [line('page_visit', 'after', '1', ',"page_visit_id":1,"page_visit_url":"/after","page_visit_timestamp":9')])
  put('device-1', [readingAt('late', START / 1000 - 7 * 3600), readingAt('absurd', 1.7e308), readingAt('new', START / 1000)])
  put('nobody', [
    '{bad',
    'not ours',
    line('unknown', 'u1', 'nobody', ',"data":"[1]"'),
    `{"only":"search",${line('a', 'b', 'c').slice(1)}`,
  ])
  put('nobody', [`{"only":"archive",${line('page_visit', 'p', '2').slice(1)}`, '', '{}'])
}

/** Delivers records of a user whose item is throttled until the retry budget is spent, and records while OpenSearch responds 429. */
export async function readUnderFaults(cloud: Cloud): Promise<unknown[]> {
  const results: unknown[] = []
  cloud.state.throttle('user#hot|state', 1)
  const text = `{"event_time_us":1,"received_time_us":1000,"event_id":"h","event_type":"page_visit","source":"web","subject":"hot"}\n`
  cloud.put('hot', Buffer.from(text), START - 3_600_000)
  const batch = cloud.records.slice(-1)
  for (let n = 0; n < 5; n++) results.push(await readStream(batch))
  cloud.search.busy = 1
  results.push(await readStream(cloud.records.slice(0, 30)))
  results.push(await mergeInvalidDeltas(cloud))
  return results
}

/** Merges deltas that no window can hold into slots that hold as many users as they can. */
async function mergeInvalidDeltas(cloud: Cloud): Promise<unknown> {
  const [item] = cloud.items().filter(({ sk }) => sk?.S === 'state')
  const slots = cloud.items().filter(({ sk }) => sk?.S?.startsWith('slot#'))
  const users = Buffer.alloc(20_000 * 16)
  for (let n = 0; n < 20_000; n++) users.writeUInt32BE(n + 1, n * 16 + 4)
  for (const slot of slots) cloud.state.items.set(`${slot['pk']?.S}|${slot['sk']?.S}`, { ...slot, users: { B: users } })
  const start = Date.parse('2026-01-01T00:00:00Z') / 1000
  const state = JSON.parse(slots[0]?.['state']?.S ?? 'null')
  const outbox = [
    { projection: 'device-minutes-r1', start, ord: 9e15, state: null },
    { projection: 'country-minutes-r1', start, ord: 9e15, state },
    { projection: 'country-minutes-r1', start: start + 60, ord: 9e15, state: 7 },
    { projection: 'gone-r9', start, ord: 9e15, state },
  ]
  // Only the parts of a record that the function reads.
  const images = ['a', 'b', 'c', 'd', 'e'].map(user => ({
    ...item,
    pk: { S: `user#${user}` },
    out: { S: JSON.stringify(outbox) },
  }))
  const Records = images.map(NewImage => ({ dynamodb: { NewImage } }))
  return mergeWindows({ Records } as unknown as Parameters<typeof mergeWindows>[0]).then(
    () => 'merged',
    () => 'thrown',
  )
}

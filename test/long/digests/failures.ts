import { handler as collectFailures } from '../../../lambdas/quarantine/collect-failures.lambda.ts'
import type { Outputs } from './canonical.ts'
import { type Cloud, newCloud } from './cloud.ts'
import { captureLog } from './log.ts'

/** Collects objects that Lambda and Firehose write for discarded records into the quarantine. */
export async function runCollectFailures(outputs: Outputs): Promise<void> {
  const cloud = newCloud()
  addFailures(cloud)
  const results: unknown[] = []
  const log = await captureLog(async () => {
    results.push(await collectFailures({}).catch(() => 'thrown'))
  })
  outputs.add('failures.collected', [...results, ...(await cloud.quarantined()), ...log])
}

function addFailures({ quarantine: { objects } }: Cloud): void {
  const line = (id: string) =>
    `{"event_time_us":1,"received_time_us":7000,"event_id":"${id}","event_type":"page_visit","source":"web","subject":"1","page_visit_url":"/a"}`
  const marked = (reader: string, id: string) => `{"only":"${reader}",${line(id).slice(1)}`
  const put = (key: string, text: string) => void objects.set(key, Buffer.from(text))
  const base64 = (lines: readonly string[]) => Buffer.from(`${lines.join('\n')}\n`).toString('base64')
  const discarded = (name: string, lines: readonly string[], more: object = { KinesisBatchInfo: {} }) => {
    const payload = { Records: [{ kinesis: { data: base64(lines), approximateArrivalTimestamp: 8.5 } }] }
    const requestContext = { functionArn: `arn:aws:lambda:eu-central-1:000000000000:function:${name}` }
    return JSON.stringify({ requestContext, timestamp: '1970-01-01T00:00:09.000Z', payload: JSON.stringify(payload), ...more })
  }
  put('aws/lambda/1', discarded('state', [line('d1'), '{bad', marked('search', 'd2')]))
  put('aws/lambda/2', discarded('raw', [line('d3'), marked('archive', 'd4')]))
  put('aws/lambda/3', discarded('windows', [], { DDBStreamBatchInfo: {} }))
  put('aws/lambda/4', discarded('documents', [], { DDBStreamBatchInfo: {} }))
  put('aws/lambda/5', 'not known')
  put(
    'errors/1',
    [[line('f1')], [line('f2'), marked('archive', 'f3'), 'bad']]
      .map(lines => JSON.stringify({ rawData: base64(lines), arrivalTimestamp: 1 }))
      .join('\n'),
  )
}

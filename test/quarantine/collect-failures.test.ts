import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { jest } from '@jest/globals'
import { collectedItems } from '../../cli/quarantine/scan.ts'
import type { Target } from '../../cli/target.ts'
import type { handler } from '../../lambdas/quarantine/collect-failures.lambda.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import type { CollectRequest } from '../../shared/quarantine.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'
import { listen, parseLine } from '../fixtures/log-lines.ts'

const MINUTE_MS = 60_000

const environment = {
  ...{ QUARANTINE_TABLE: 't', QUARANTINE_BUCKET: 'b', QUARANTINE_DAYS: 'none', ARCHIVE_BUCKET: 'archive' },
  ...{ RAW_EVENTS_FUNCTION: 'raw', RAW_EVENT_TYPES: 'all', DOCUMENTS_FUNCTION: 'documents' },
  ...{ STATE_TABLE: 's', PAGES_TABLE: 'p', IDENTITY_MINUTES: '15', IDENTITY_COUNT: '5000', IDENTITY_DAYS: '7' },
  ...{ POWERTOOLS_METRICS_NAMESPACE: 'millrace-test', AWS_REGION: 'none' },
}
const before = { ...process.env }
let stores: ReturnType<typeof quarantineStores>
let time: number
/** Called before each object is read. */
let beforeRead: () => Promise<void>
let collectFailures: typeof handler

interface Sent {
  readonly constructor: { readonly name: string }
  readonly input: { readonly Bucket?: string }
}

beforeAll(async () => {
  Object.assign(process.env, environment)
  ;({ handler: collectFailures } = await import('../../lambdas/quarantine/collect-failures.lambda.ts'))
})
beforeEach(() => {
  stores = quarantineStores()
  time = Date.parse('2026-01-01T00:00:00Z')
  beforeRead = async () => undefined
  jest.spyOn(Date, 'now').mockImplementation(() => time)
  // The casts are safe: the fakes read only the name and the input of a command.
  jest
    .spyOn(DynamoDBClient.prototype, 'send')
    .mockImplementation(((command: Sent) => stores.dynamodb.send(command as never)) as never)
  jest.spyOn(S3Client.prototype, 'send').mockImplementation((async (command: Sent) => {
    if (command.input.Bucket === 'archive') return {}
    if (command.constructor.name === 'GetObjectCommand') await beforeRead()
    return stores.s3.send(command as never)
  }) as never)
  jest.spyOn(LambdaClient.prototype, 'send').mockImplementation((async ({ input }: { input: { Payload: Uint8Array } }) => {
    const { result } = await invoke(JSON.parse(Buffer.from(input.Payload).toString()))
    if (result.status === 'fulfilled') return { Payload: Buffer.from(JSON.stringify(result.value)) }
    return { FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify({ errorMessage: result.reason.message })) }
  }) as never)
})
afterEach(() => jest.restoreAllMocks())
afterAll(() => {
  process.env = before
})

/** One invocation of the function: its result and its log line. */
async function invoke(request: CollectRequest) {
  const { result, texts } = await listen(() => collectFailures(request))
  return { result, facts: parseLine(texts[0] ?? '{}') }
}

/** What a command reads, and the warnings that it prints. */
async function readByCommand() {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  const outputs = { QuarantineTable: 't', QuarantineBucket: 'b', CollectFailuresFunction: 'c' }
  // The cast is safe: the function reads no other output.
  const items = await collectedItems({ aws: { region: 'none' }, local: false, outputs } as unknown as Target)
  return { ids: items.map(({ id }) => id), warnings: printed.mock.calls.map(([text]) => text) }
}

const put = (key: string, text: string) => void stores.objects.set(key, Buffer.from(text))
const refused = (id: string) => `${JSON.stringify(aQuarantinedEvent({ id, body: `{"id":"${id}"}` }))}\n`
/** A batch of changes that Lambda discarded. */
const discarded = JSON.stringify({
  requestContext: { functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:documents' },
  timestamp: '2026-01-01T00:00:00Z',
  DDBStreamBatchInfo: {},
})

test('an object that is left fails a scheduled run; a command reads everything else and warns', async () => {
  await quarantineStore('t', 'b', stores.dynamodb, stores.s3).add([aQuarantinedEvent({ id: 'stored' })])
  put('aws/lambda/unknown', '{"unknown":true}')
  put('refused/1', refused('collected'))
  const left = 'Left 1 objects in place. The first is aws/lambda/unknown: It is not a known failure.'
  const { result, facts } = await invoke({})
  expect(result).toMatchObject({ status: 'rejected', reason: { message: left } })
  expect(facts).toMatchObject({ error: left })
  const { ids, warnings } = await readByCommand()
  expect(ids.sort()).toEqual(['collected', 'stored'])
  expect(warnings).toEqual([
    `warning: the quarantine does not contain every failure. ${left} What to do: docs/runbook.md#collect-failures-errors.`,
  ])
})

test('a folder that a person made with the S3 console is no failure', async () => {
  put('aws/lambda/', '')
  expect((await invoke({})).result).toMatchObject({ status: 'fulfilled', value: { collected: 0 } })
  expect(await readByCommand()).toEqual({ ids: [], warnings: [] })
})

test('an object that another run has collected meanwhile is no problem, and counts once', async () => {
  put('refused/1', refused('a'))
  put('refused/2', refused('b'))
  beforeRead = async () => {
    beforeRead = async () => undefined
    expect(await collectFailures({})).toEqual({ collected: 2 })
  }
  expect((await invoke({})).result).toMatchObject({ value: { collected: 0 } })
  expect([...stores.items.values()].map(({ count }) => count)).toEqual([{ N: '1' }, { N: '1' }])
})

test('a flood of rejected events does not keep a discarded batch waiting, and a run says that it had no time for all', async () => {
  for (let n = 0; n < 40; n++) put(`refused/${100 + n}`, refused(`r${n}`))
  put('aws/lambda/1', discarded)
  beforeRead = async () => {
    time += MINUTE_MS / 2
  }
  const { result, facts } = await invoke({})
  expect([...stores.objects.keys()].filter(key => key.startsWith('aws/'))).toEqual([])
  expect(result).toMatchObject({ status: 'fulfilled', value: { late: expect.stringMatching(/^refused\//) } })
  expect(facts).toMatchObject({ late: expect.stringMatching(/^refused\//), FailuresCollected: 1 })
  expect((await readByCommand()).warnings).toEqual([expect.stringContaining('more failures wait in the buckets')])
})

import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { mockClient } from 'aws-sdk-client-mock'
import { athenaQueries } from '../../lambdas/reports/athena.ts'

const ID = '8f0ed2f5-3b1c-4a57-9d0c-0f6c6a4f3d11'
const LATER = Date.now() + 600_000

/** Athena that answers as the API's reference describes, and what it was asked. */
function anAthena(manifest = '') {
  const client = new AthenaClient({ region: 'any' })
  const calls = mockClient(client)
  calls.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: ID })
  const bucket = {
    text: async (key: string) => (key === `athena/results/${ID}-manifest.csv` ? manifest : Promise.reject(new Error(key))),
  }
  const athena = athenaQueries({ workgroup: 'millrace-dev', name: 'archive', bucket, client, pollMs: 1 })
  return { athena, calls }
}

const execution = (State: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED', StateChangeReason?: string) => ({
  QueryExecution: {
    QueryExecutionId: ID,
    Status: { State, ...(StateChangeReason !== undefined && { StateChangeReason }) },
    ...(State === 'SUCCEEDED' && { Statistics: { DataManifestLocation: `s3://archive/athena/results/${ID}-manifest.csv` } }),
  },
})

test('a query is started in the workgroup, which decides everything else, and its rows are read page by page without the header', async () => {
  const { athena, calls } = anAthena()
  calls
    .on(GetQueryExecutionCommand)
    .resolvesOnce(execution('QUEUED'))
    .resolvesOnce(execution('RUNNING'))
    .resolves(execution('SUCCEEDED'))
  const row = (...values: (string | null)[]) => ({ Data: values.map(value => (value === null ? {} : { VarCharValue: value })) })
  calls
    .on(GetQueryResultsCommand, { QueryExecutionId: ID, NextToken: undefined })
    .resolves({ ResultSet: { Rows: [row('day', 'arrivals'), row('20454', '3')] }, NextToken: 'more' })
  calls
    .on(GetQueryResultsCommand, { QueryExecutionId: ID, NextToken: 'more' })
    .resolves({ ResultSet: { Rows: [row('20455', null)] } })
  expect(await athena.rows('SELECT 1', LATER)).toEqual([
    ['20454', '3'],
    ['20455', null],
  ])
  expect(calls.commandCalls(StartQueryExecutionCommand).map(call => call.args[0].input)).toEqual([
    { QueryString: 'SELECT 1', WorkGroup: 'millrace-dev' },
  ])
  expect(calls.commandCalls(GetQueryExecutionCommand)).toHaveLength(3)
})

test('the rows of UNLOAD are in the objects that the manifest names', async () => {
  const { athena, calls } = anAthena('s3://archive/athena/r/1/rows/a\ns3://archive/athena/r/1/rows/b\n')
  calls.on(GetQueryExecutionCommand).resolves(execution('SUCCEEDED'))
  expect(await athena.unload("SELECT 'it''s'", 'athena/r/1/rows/', LATER)).toEqual(['athena/r/1/rows/a', 'athena/r/1/rows/b'])
  expect(calls.commandCalls(StartQueryExecutionCommand)[0]?.args[0].input.QueryString).toBe(
    "UNLOAD (SELECT * FROM (\nSELECT 'it''s'\n)) TO 's3://archive/athena/r/1/rows/' WITH (format = 'PARQUET', compression = 'SNAPPY')",
  )
})

test('a query without a manifest has stored no object', async () => {
  const { athena, calls } = anAthena()
  calls.on(GetQueryExecutionCommand).resolves({ QueryExecution: { QueryExecutionId: ID, Status: { State: 'SUCCEEDED' } } })
  expect(await athena.unload('SELECT 1', 'athena/r/1/rows/', LATER)).toEqual([])
})

test('an object below another prefix is not read', async () => {
  const { athena, calls } = anAthena('s3://archive/events/dt=2026-01-01/hour=00/a.parquet\n')
  calls.on(GetQueryExecutionCommand).resolves(execution('SUCCEEDED'))
  await expect(athena.unload('SELECT 1', 'athena/r/1/rows/', LATER)).rejects.toThrow(
    'Athena stored rows of the report below another prefix than it was told.',
  )
})

test.each([
  [
    'a failed query is named with its error, without the text of the reason, which may quote events',
    execution('FAILED', "HIVE_BAD_DATA: Malformed value 'jane@example.com'"),
    `Athena failed with HIVE_BAD_DATA. The reason: aws athena get-query-execution --query-execution-id ${ID}`,
  ],
  [
    'so is one whose reason has no name',
    execution('FAILED', 'Insufficient permissions: jane'),
    `Athena failed. The reason: aws athena get-query-execution --query-execution-id ${ID}`,
  ],
  [
    'a query beyond the scan limit',
    execution('CANCELLED', 'Bytes scanned limit was exceeded'),
    'The query would read more bytes than the stage permits. Raise reports.scanLimit in infra/settings.ts and deploy, or run the report for one day.',
  ],
  [
    'a cancelled query',
    execution('CANCELLED', 'Query cancelled by user'),
    `The query ${ID} was cancelled. Run the report again if nobody meant to cancel it.`,
  ],
])('%s', async (_, end, message) => {
  const { athena, calls } = anAthena()
  calls.on(GetQueryExecutionCommand).resolvesOnce(execution('RUNNING')).resolves(end)
  await expect(athena.unload('SELECT 1', 'athena/r/1/rows/', LATER)).rejects.toThrow(message)
  expect(calls.commandCalls(StopQueryExecutionCommand)).toHaveLength(0)
})

test('a query that does not end in time is stopped', async () => {
  const { athena, calls } = anAthena()
  calls.on(GetQueryExecutionCommand).resolves(execution('RUNNING'))
  await expect(athena.rows('SELECT 1', Date.now() + 20)).rejects.toThrow(
    `The query ${ID} did not end within 0 minutes and was stopped. Run the report for one day, or compact the archive first: millrace compact.`,
  )
  expect(calls.commandCalls(StopQueryExecutionCommand).map(call => call.args[0].input)).toEqual([{ QueryExecutionId: ID }])
})

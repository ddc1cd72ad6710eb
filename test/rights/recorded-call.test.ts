import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { type CallOfSdk, rightForSearch, rightsFor } from './recorded-call.ts'
import { lineOf, readLine } from './recording.ts'

const ids = new Map([
  ['stack-Query-1', 'Query'],
  ['stack-table-1', 'Table'],
  ['stack-bucket-1', 'Bucket'],
  ['arn:aws:sns:us-east-1:000000000000:alarms', 'Topic'],
])
const [{ name: projection } = { name: '' }] = projections.filter(({ grain }) => !grain.parts?.ofOneUser)
const [{ name: type } = { name: '' }] = eventTypes
const [{ name: report } = { name: '' }] = reports

const linesFor = (call: Partial<CallOfSdk>): string[] =>
  rightsFor({ function: 'stack-Query-1', service: 's3', operation: 'GET', resources: [], status: 200, ...call }, ids).map(lineOf)

test.each<[Partial<CallOfSdk>, string[]]>([
  [{ service: 'dynamodb', operation: 'Query', resources: ['stack-table-1'] }, ['Query dynamodb:Query <Table.Arn>']],
  [{ service: 'monitoring', operation: 'GetMetricData' }, ['Query cloudwatch:GetMetricData *']],
  [{ service: 'sns', operation: 'Publish', resources: [...ids.keys()].slice(-1) }, ['Query sns:Publish <Topic>']],
  [{ resources: ['stack-bucket-1/a'] }, ['Query s3:GetObject <Bucket.Arn>/a']],
  [{ resources: ['stack-bucket-1/a'], status: 404 }, ['Query s3:GetObject <Bucket.Arn>/a', 'Query s3:ListBucket <Bucket.Arn>']],
  [
    { operation: 'GET list-type prefix', resources: ['stack-bucket-1/'], prefix: `reports/${report}/` },
    ['Query s3:ListBucket <Bucket.Arn> prefix=reports/{report}/'],
  ],
  [{ operation: 'GET list-type', resources: ['stack-bucket-1/'], prefix: '' }, ['Query s3:ListBucket <Bucket.Arn> prefix=']],
  [
    { operation: 'POST delete', resources: ['stack-bucket-1/a', 'stack-bucket-1/events/dt=1/x'] },
    ['Query s3:DeleteObject <Bucket.Arn>/a', 'Query s3:DeleteObject <Bucket.Arn>/events/{object}'],
  ],
  [{ operation: 'PUT', resources: ['stack-bucket-1/refused/0a.gz'] }, ['Query s3:PutObject <Bucket.Arn>/refused/{hash}.gz']],
  // A scenario makes a function fail.
  [{ service: 'dynamodb', operation: 'Query', resources: ['missing'], status: 400 }, []],
])('%j needs rights', (call, lines) => {
  expect(linesFor(call)).toEqual(lines)
  expect(lines.map(line => lineOf(readLine(line)))).toEqual(lines)
})

test.each<[string, Partial<CallOfSdk>]>([
  ['an operation', { service: 'dynamodb', operation: 'TransactWriteItems', resources: ['stack-table-1'] }],
  ['a service', { service: 'sqs', operation: 'SendMessage' }],
  ['a request to S3', { operation: 'PUT copy', resources: ['stack-bucket-1/a'] }],
  ['a resource that is not in the stack', { service: 'dynamodb', operation: 'Query', resources: ['other'] }],
])('%s that is not known stops the recording', (_, call) => {
  expect(() => linesFor(call)).toThrow()
})

test.each([
  [`/${projection}/_search?size=1`, `/{projection}/_search`],
  [`/${projection}-r12/_mapping`, '/{projection}-r1/_mapping'],
  [`/_alias/${projection}`, '/_alias/{projection}'],
  [`/events-${type}-2026.01.01`, '/events-{type}-{date}'],
  ['/events-%2A/_search', '/events-*/_search'],
])('the path %s is recorded without names of the catalogue', (url, path) => {
  const { action, resource } = rightForSearch({ function: 'stack-Query-1', method: 'HEAD', url }, ids)
  expect([action, resource]).toEqual(['es:ESHttpHead', `<SearchDomain.Arn>${path}`])
})

import { byRole, byService } from './calls-of-aws.ts'
import { isAllowed } from './evaluate.ts'
import { type Policy, readStatement } from './policy.ts'

const ACCOUNT = '111122223333'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/reader`
const BUCKET = 'arn:aws:s3:::data'
const DOMAIN = `arn:aws:es:eu-west-1:${ACCOUNT}:domain/search`
const TOPIC = `arn:aws:sns:eu-west-1:${ACCOUNT}:alarms`

type Raw = Readonly<Record<string, unknown>>

const rights = (...statements: Raw[]): Policy => ({
  id: 'rights',
  role: ROLE,
  resources: [],
  statements: statements.map(statement => readStatement({ Effect: 'Allow', ...statement }, String)),
})

const policyOf = (resource: string, ...statements: Raw[]): Policy => ({
  id: 'policy',
  role: undefined,
  resources: [resource, `${resource}/*`],
  statements: statements.map(statement => readStatement({ Effect: 'Allow', ...statement }, String)),
})

const read = byRole(ROLE, 's3:GetObject', `${BUCKET}/events/1`)
const mayRead = rights({ Action: 's3:GetObject', Resource: `${BUCKET}/events/*` })

test('a role needs an Allow with its action and its resource', () => {
  expect(isAllowed(read, [])).toBe(false)
  expect(isAllowed(read, [mayRead])).toBe(true)
  expect(isAllowed({ ...read, action: 's3:PutObject' }, [mayRead])).toBe(false)
  expect(isAllowed({ ...read, resource: `${BUCKET}/errors/1` }, [mayRead])).toBe(false)
  expect(isAllowed({ ...read, caller: { role: `${ROLE}2` } }, [mayRead])).toBe(false)
  expect(isAllowed(read, [rights({ Action: ['s3:List*', 'S3:Get?bject'], Resource: '*' })])).toBe(true)
})

test('a Deny of the role or of the resource wins', () => {
  const deny = { Effect: 'Deny', Action: 's3:*', Resource: `${BUCKET}/*` }
  expect(isAllowed(read, [mayRead, rights(deny)])).toBe(false)
  expect(isAllowed(read, [mayRead, policyOf(BUCKET, { ...deny, Principal: { AWS: '*' } })])).toBe(false)
  expect(isAllowed(read, [mayRead, policyOf('arn:aws:s3:::other', { ...deny, Principal: '*' })])).toBe(true)
})

test('a Deny applies if its condition holds', () => {
  const withoutTls = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: '*',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
  const policies = [mayRead, policyOf(BUCKET, withoutTls)]
  expect(isAllowed(read, policies)).toBe(true)
  expect(isAllowed({ ...read, context: { ...read.context, 'aws:SecureTransport': 'false' } }, policies)).toBe(false)
})

test('in one account, an Allow of the resource for the role suffices; one for the account leaves it to the rights of the role', () => {
  const write = byRole(ROLE, 'es:ESHttpPost', `${DOMAIN}/_bulk`)
  const allow = (principal: string) => policyOf(DOMAIN, { Principal: { AWS: principal }, Action: 'es:*', Resource: '*' })
  expect(isAllowed(write, [allow(ROLE)])).toBe(true)
  expect(isAllowed(write, [allow(`arn:aws:iam::${ACCOUNT}:root`)])).toBe(false)
  expect(isAllowed(write, [rights({ Action: 'es:ESHttpPost', Resource: `${DOMAIN}/_bulk` })])).toBe(true)
})

test('a role of another account needs the policy of the resource', () => {
  const foreign = { ...read, caller: { role: 'arn:aws:iam::999988887777:role/reader' } }
  const allow = (principal: unknown) =>
    policyOf(BUCKET, { Principal: principal, Action: 's3:GetObject', Resource: `${BUCKET}/*` })
  expect(isAllowed(foreign, [allow({ AWS: ROLE })])).toBe(false)
  expect(isAllowed(foreign, [allow('*')])).toBe(true)
})

test('a service needs the policy of the resource, with conditions that hold', () => {
  const alarm = `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:lag`
  const publish = byService('cloudwatch', 'sns:Publish', TOPIC, alarm)
  const allow = (condition: object) =>
    policyOf(TOPIC, {
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: TOPIC,
      Condition: condition,
    })
  expect(isAllowed(publish, [allow({ StringEquals: { 'aws:SourceAccount': ACCOUNT } })])).toBe(true)
  expect(isAllowed(publish, [allow({ StringEquals: { 'aws:SourceAccount': ['1', '2'] } })])).toBe(false)
  expect(isAllowed(publish, [allow({ ArnLike: { 'aws:SourceArn': `arn:*:cloudwatch:*:${ACCOUNT}:alarm:*` } })])).toBe(true)
  // A wildcard of ArnLike ends at a colon.
  expect(isAllowed(publish, [allow({ ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:*:alarm:*' } })])).toBe(false)
  expect(isAllowed({ ...publish, caller: { service: 'events.amazonaws.com' } }, [allow({})])).toBe(false)
})

test('an action that AWS does not list is refused, and so is one on a kind of resource that it does not have', () => {
  const everything = [rights({ Action: '*', Resource: '*' })]
  expect(isAllowed(read, everything)).toBe(true)
  expect(isAllowed({ ...read, action: 's3:ReadObject' }, everything)).toBe(false)
  expect(isAllowed({ ...read, resource: BUCKET }, everything)).toBe(false)
  expect(isAllowed({ ...read, action: 's3:ListBucket' }, everything)).toBe(false)
  // It has no resources: a statement with the ARN of a stream grants nothing.
  const stream = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/state/stream/1`
  const list = byRole(ROLE, 'dynamodb:ListStreams', '*')
  expect(isAllowed(list, [rights({ Action: 'dynamodb:ListStreams', Resource: stream })])).toBe(false)
  expect(isAllowed(list, everything)).toBe(true)
})

test('a condition with a key that the action does not know refuses the call, in an Allow and in a Deny', () => {
  const condition = { Condition: { StringLike: { 'dynamodb:LeadingKeys': '*' } } }
  const statement = { Action: 's3:GetObject', Resource: '*', ...condition }
  expect(isAllowed(read, [rights(statement)])).toBe(false)
  expect(isAllowed(read, [mayRead, rights({ ...statement, Effect: 'Deny' })])).toBe(false)
})

test.each([
  ['an element', { NotAction: 's3:GetObject' }, 'does not know NotAction'],
  ['an effect', { Effect: 'Maybe' }, 'effect Maybe'],
  ['a kind of principal', { Principal: { Federated: 'x' } }, 'principal Federated'],
  ['an operator', { Condition: { NumericLessThan: { 'aws:SecureTransport': '1' } } }, 'operator NumericLessThan'],
  ['a variable', { Resource: `${BUCKET}/\${aws:username}` }, 'variable'],
  ['a key that the call does not state', { Condition: { StringEquals: { 's3:authType': 'x' } } }, 'does not say its s3:authType'],
])('%s that is not known stops the evaluation', (_, change, message) => {
  expect(() => isAllowed(read, [rights({ Action: 's3:GetObject', Resource: '*', ...change })])).toThrow(message)
})

import { byRole } from './calls-of-aws.ts'
import type { Call } from './evaluate.ts'
import { ACCOUNT } from './names.ts'
import type { Policy } from './policy.ts'
import type { Stage } from './stage.ts'

/** A call that IAM must refuse. */
export interface RefusedCall {
  readonly about: string
  readonly call: Call
}

/** What `refusedCalls` starts from: calls that a stage makes, and the same calls of its neighbour, in the same order. */
interface Made {
  readonly stage: Stage
  readonly calls: readonly Call[]
  readonly neighbours: readonly Call[]
}

const FOREIGN_ACCOUNT = '999988887777'
/** Services whose roles name no account: a service may get a role only from somebody who may pass it, which nobody can to another account. */
const PASSED_TO = ['lambda.amazonaws.com', 'firehose.amazonaws.com']
/** Account-wide: there is none for each stage. */
const SHARED = ['*', /:catalog$/]

const withContext = (call: Call, context: Call['context']): Call => ({ ...call, context: { ...call.context, ...context } })

/** A prefix is no resource: who may list a bucket may list all of it. */
const keyOf = ({ action, resource }: Call): string => `${action} ${resource}`

/** A role of the account that may do everything. Policies of resources refuse it nevertheless. */
const ADMINISTRATOR = `arn:aws:iam::${ACCOUNT}:role/administrator`
export const administrator: Policy = {
  id: 'administrator',
  role: ADMINISTRATOR,
  resources: [],
  statements: [{ effect: 'Allow', actions: ['*'], resources: ['*'], principals: undefined, conditions: [] }],
}

export const refusedCalls = (made: Made): RefusedCall[] => [
  ...byOtherRoles(made),
  ...onNeighbour(made),
  ...byPlainHttp(made),
  ...ofOtherAccounts(made),
  ...forOtherResources(made),
  ...byQuery(made),
]

/** Each call of a role, made by each other role that does not make it too. Each call of a service, made by each other service. */
function byOtherRoles({ calls }: Made): RefusedCall[] {
  const callerOf = ({ caller }: Call): string => ('role' in caller ? caller.role : caller.service)
  const distinct = new Map(calls.map(call => [keyOf(call), call]))
  const kinds = [calls.filter(({ caller }) => 'role' in caller), calls.filter(({ caller }) => 'service' in caller)]
  return kinds.flatMap(kind => {
    const callers = new Map(kind.map(call => [callerOf(call), call.caller]))
    const makes = new Set(kind.map(call => `${callerOf(call)} ${keyOf(call)}`))
    const keys = new Set(kind.map(keyOf))
    return [...callers].flatMap(([name, caller]) =>
      [...keys]
        .filter(key => !makes.has(`${name} ${key}`))
        .map(key => ({ about: 'another caller', call: { ...(distinct.get(key) as Call), caller } })),
    )
  })
}

/** Each call of a role on the same resource of another stage in the same account. */
const onNeighbour = ({ calls, neighbours }: Made): RefusedCall[] =>
  calls.flatMap((call, i) => {
    const resource = (neighbours[i]?.resource ?? '').replace(/millrace_\w+/, 'millrace_neighbour')
    if (
      !('role' in call.caller) ||
      SHARED.some(shared => (shared instanceof RegExp ? shared.test(resource) : shared === resource))
    )
      return []
    return [{ about: 'another stage', call: { ...call, resource } }]
  })

/**
 * Each call of a bucket or a topic without TLS, and the same by an administrator. DynamoDB, Kinesis and the others have no policies
 * of resources here; OpenSearch enforces HTTPS.
 */
function byPlainHttp({ stage, calls }: Made): RefusedCall[] {
  const buckets = stage.ofType('AWS::S3::Bucket').map(({ id }) => stage.arn(id))
  const topics = stage.ofType('AWS::SNS::Topic').map(({ id }) => stage.fill(`<${id}>`))
  const byAdministrator = [
    ...buckets.flatMap(arn => [byRole(ADMINISTRATOR, 's3:ListBucket', arn), byRole(ADMINISTRATOR, 's3:GetObject', `${arn}/key`)]),
    ...topics.map(arn => byRole(ADMINISTRATOR, 'sns:Publish', arn)),
  ]
  const own = calls.filter(({ action }) => /^(s3|sns):/.test(action))
  return [...own, ...byAdministrator].map(call => ({
    about: 'plain HTTP',
    call: withContext(call, { 'aws:SecureTransport': 'false' }),
  }))
}

/** Each call by a role of another account, and by a service on behalf of another account. */
const ofOtherAccounts = ({ calls }: Made): RefusedCall[] =>
  calls.flatMap(call => {
    const about = 'another account'
    const { caller, context } = call
    if ('role' in caller) return [{ about, call: { ...call, caller: { role: `arn:aws:iam::${FOREIGN_ACCOUNT}:role/any` } } }]
    if (PASSED_TO.includes(caller.service)) return []
    const source = context['aws:SourceArn']?.replace(`:${ACCOUNT}:`, `:${FOREIGN_ACCOUNT}:`)
    return [{ about, call: withContext(call, { 'aws:SourceAccount': FOREIGN_ACCOUNT, 'aws:SourceArn': source }) }]
  })

/** Each call of a service on behalf of another API or bucket of the same account. */
const forOtherResources = ({ calls }: Made): RefusedCall[] =>
  calls.flatMap(call => {
    const source = call.context['aws:SourceArn']
    if (!source || !/:(execute-api|s3):/.test(source)) return []
    const other = source.replace(/(:execute-api:.*?:\d+:|:s3:::)[^/]+/, '$1other')
    return [{ about: 'another source', call: withContext(call, { 'aws:SourceArn': other }) }]
  })

/** Whatever the query function could write to OpenSearch with. */
function byQuery({ stage, calls }: Made): RefusedCall[] {
  const role = stage.roleOf('QueryFunction')
  const domain = stage.fill('<SearchDomain.Arn>')
  const indices = ['country-minutes', 'country-minutes-r1', 'events-*', 'events-reading-2026.01.01', '*', '_all']
  const posted = ['_bulk', '_reindex', '_aliases', ...indices.flatMap(index => ['_bulk', '_doc', '_delete_by_query', '_update_by_query'].map(path => `${index}/${path}`))] // biome-ignore format: one line
  const written = indices.flatMap(index => [`es:ESHttpPut ${index}`, `es:ESHttpDelete ${index}`, `es:ESHttpPut ${index}/_doc/1`])
  return [...posted.map(path => `es:ESHttpPost ${path}`), ...written].map(line => {
    const [action = '', path] = line.split(' ')
    const call = byRole(role, action, `${domain}/${path}`)
    if (calls.some(made => keyOf(made) === keyOf(call) && 'role' in made.caller && made.caller.role === role))
      throw new Error(`The query function was recorded with ${line}, which it must never send.`)
    return { about: 'query writes', call }
  })
}

import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { ACCOUNT, REGION } from './names.ts'

/** The catalog of Glue, of which an account has one in each region. */
const CATALOG = `arn:aws:glue:${REGION}:${ACCOUNT}:catalog`

/** A call of AWS as the local cloud records it. */
export interface CallOfSdk {
  readonly function: string
  readonly service: string
  readonly operation: string
  /** Names of tables, streams and topics, or `bucket/key`. */
  readonly resources: readonly string[]
  readonly status: number
  readonly prefix?: string
}

/** A request to OpenSearch as the local cloud records it. */
export interface SearchRequest {
  readonly function: string
  readonly method: string
  readonly url: string
}

/** The right that a call needs. `resource` has the form `<LogicalId.Attribute>`, with a path or a key. */
export interface NeededRight {
  /** The logical id of the function, without the hash. */
  readonly function: string
  readonly action: string
  readonly resource: string
  /** The prefix of a list of objects. */
  readonly prefix?: string
}

/** A name in an account, and the logical id of what has it. */
export type LogicalIds = ReadonlyMap<string, string>

/** Operations that need the right of the same name, by the service that a signature names. */
const operations: Readonly<Record<string, { readonly prefix: string; readonly names: readonly string[] }>> = {
  dynamodb: {
    prefix: 'dynamodb',
    names: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem'],
  },
  kinesis: { prefix: 'kinesis', names: ['ListShards', 'PutRecords'] },
  monitoring: { prefix: 'cloudwatch', names: ['GetMetricData'] },
  sns: { prefix: 'sns', names: ['Publish'] },
}

/** Requests to S3 for one object, by method and parameters. */
const objectActions: Readonly<Record<string, string>> = {
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  PUT: 's3:PutObject',
  DELETE: 's3:DeleteObject',
  'POST delete': 's3:DeleteObject',
}

/** The rights that a recorded call of AWS needs. Throws on a call that it does not know. */
export function rightsFor(call: CallOfSdk, ids: LogicalIds): NeededRight[] {
  const caller = idOf(call.function, ids)
  if (call.service === 's3') return objectRights(call, ids).map(right => ({ function: caller, ...right }))
  if (call.service === 'glue') return glueRights(call).map(right => ({ function: caller, ...right }))
  const known = operations[call.service]
  if (!known?.names.includes(call.operation)) throw unknown(call)
  const action = `${known.prefix}:${call.operation}`
  // Scenarios make functions fail by the name of a table that does not exist.
  const resources = call.resources.filter(name => ids.has(name) || call.status < 400).map(name => referenceTo(name, ids))
  return (call.resources.length > 0 ? resources : ['*']).map(resource => ({ function: caller, action, resource }))
}

/** A call for a table needs the right on the catalog, on its database and on the table. */
function glueRights({ operation, resources }: CallOfSdk): Omit<NeededRight, 'function'>[] {
  return resources.flatMap(name => {
    const table = name.split('/')[1] ?? ''
    const tableId = `ArchiveTable${table.charAt(0).toUpperCase()}${table.slice(1)}`
    return [CATALOG, '<ArchiveTableDatabase.Arn>', `<${tableId}.Arn>`].map(resource => ({
      action: `glue:${operation}`,
      resource,
    }))
  })
}

function objectRights(call: CallOfSdk, ids: LogicalIds): Omit<NeededRight, 'function'>[] {
  const { operation, resources, status, prefix } = call
  return resources.flatMap(resource => {
    const slash = resource.indexOf('/')
    const bucket = `<${idOf(resource.slice(0, slash), ids)}.Arn>`
    if (operation.startsWith('GET ') && prefix !== undefined)
      return [{ action: 's3:ListBucket', resource: bucket, prefix: plainKey(prefix) }]
    const action = objectActions[operation]
    if (!action) throw unknown(call)
    const right = { action, resource: `${bucket}/${plainKey(resource.slice(slash + 1))}` }
    // S3 answers 404 to those who may list the bucket, and 403 to all others.
    return status === 404 ? [right, { action: 's3:ListBucket', resource: bucket }] : [right]
  })
}

const unknown = ({ service, operation }: CallOfSdk): Error =>
  new Error(`It is not known which right ${service} ${operation} needs. Add it to test/rights/recorded-call.ts.`)

/** A topic is called by its ARN, a table, a stream or a bucket by its name. */
const referenceTo = (name: string, ids: LogicalIds): string =>
  name.startsWith('arn:aws:sns:') ? `<${idOf(name, ids)}>` : `<${idOf(name, ids)}.Arn>`

function idOf(name: string, ids: LogicalIds): string {
  const id = ids.get(name)
  if (id) return id
  throw new Error(`A function called ${name}, which is not in the stack.`)
}

/** The right that a request to OpenSearch needs. The local stack has no domain. */
export const rightForSearch = ({ function: name, method, url }: SearchRequest, ids: LogicalIds): NeededRight => ({
  function: idOf(name, ids),
  action: `es:ESHttp${method.charAt(0)}${method.slice(1).toLowerCase()}`,
  resource: `<SearchDomain.Arn>${plainPath(url.replace(/\?.*$/, ''))}`,
})

const anyOf = (names: readonly string[]): string => names.join('|')

/** The names of the catalogue by what stands for them in the recording. */
export const placeholders: Readonly<Record<string, readonly string[]>> = {
  '{projection}': projections.filter(({ grain }) => !grain.parts?.ofOneUser).map(({ name }) => name),
  '{user-window}': projections.filter(({ grain }) => grain.parts?.ofOneUser).map(({ name }) => name),
  '{type}': eventTypes.map(({ name }) => name),
  '{report}': reports.map(({ name }) => name),
}

const placeholderOf = (name: string): string =>
  Object.entries(placeholders).find(([, names]) => names.includes(name))?.[0] ?? name

/** A path without what depends on the catalogue, the date and the events. */
const plainPath = (path: string): string =>
  decodeURIComponent(path)
    .replace(new RegExp(`(?<=[/,])(${anyOf(projections.map(({ name }) => name))})(?=$|[/,]|-r\\d)`, 'g'), placeholderOf)
    .replace(/-r\d+/g, '-r1')
    .replace(/events-[a-z_]+(?=$|-|\/)/g, 'events-{type}')
    .replace(/\d{4}\.\d{2}\.\d{2}|\d{4}-\d{2}-\d{2}/g, '{date}')

/** Parts of keys that depend on the catalogue, the date and the events. */
const variableParts: readonly (readonly [RegExp, string])[] = [
  [/^(aws\/lambda\/|errors\/|events\/|archive\/|repetitions\/|manifests\/).+/, '$1{object}'],
  [/^(bodies\/|bundles\/|refused\/).+?(\.\w+)?$/, '$1{hash}$2'],
  [new RegExp(`^reports/(${anyOf(placeholders['{report}'] ?? [])})/`), 'reports/{report}/'],
  [/^(reports\/\{report\}\/).+/, '$1{object}'],
]

const plainKey = (key: string): string => variableParts.reduce((text, [part, plain]) => text.replace(part, plain), key)

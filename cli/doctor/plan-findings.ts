import type { Finding } from '../findings.ts'
import type { Needs } from './needs.ts'

/** Executions that AWS keeps for functions without a reservation. */
const ALWAYS_UNRESERVED = 100
/** The limit of concurrent executions that AWS gives on request; new accounts begin with 10. */
const USUAL_CONCURRENCY = 1_000
/** The version of the bootstrap stack that the templates demand. */
const BOOTSTRAP_VERSION = 6

/** Something that was read of an account, or why it was not. */
export type Fact<Value> = { readonly value: Value } | { readonly problem: string }

/** What is known of an account in one region. */
export interface AccountFacts {
  readonly account: string
  readonly arn: string
  readonly region: string
  /** The version of the bootstrap stack; undefined without one. */
  readonly bootstrap: Fact<number | undefined>
  /** Concurrent executions: the limit, those that are unreserved, and those that the stage has reserved already. */
  readonly concurrency: Fact<{ readonly limit: number; readonly unreserved: number; readonly own: number }>
  /** Shards, and streams with on-demand capacity: the limits, those that exist, and the shards of the stage. */
  readonly streams: Fact<{
    readonly shardLimit: number
    readonly openShards: number
    readonly onDemandLimit: number
    readonly onDemand: number
    readonly own: number | undefined
  }>
  /** Instance types of the search domain's version in the region; empty if the stage creates no domain. */
  readonly instanceTypes: Fact<readonly string[]>
  /** The names of the service-linked roles that are missing. */
  readonly missingRoles: Fact<readonly string[]>
}

/** What an account lacks for a stage, with the command that fixes it. */
export function planFindings(needs: Needs, facts: AccountFacts): Finding[] {
  const { account, arn, region } = facts
  return [
    finding('info', 'account', `Stage ${needs.stage} would be deployed to account ${account} in ${region}, by ${arn}.`, ''),
    ...of(
      'bootstrap',
      `aws cloudformation describe-stacks --region ${region} --stack-name CDKToolkit`,
      facts.bootstrap,
      version => bootstrapFindings(needs, facts, version),
    ),
    ...of('concurrency', `aws lambda get-account-settings --region ${region}`, facts.concurrency, concurrency => [
      ...concurrencyFindings(needs, facts, concurrency.limit),
      ...reservationFindings(needs, facts, concurrency),
    ]),
    ...of('streams', `aws kinesis describe-limits --region ${region}`, facts.streams, streams =>
      streamFindings(needs, facts, streams),
    ),
    ...of('instance_type', listInstances(needs, facts), facts.instanceTypes, types => instanceFindings(needs, facts, types)),
    ...of('service_linked_role', 'aws iam list-roles --path-prefix /aws-service-role/', facts.missingRoles, missing =>
      roleFindings(needs, missing),
    ),
  ]
}

const finding = (level: Finding['level'], code: string, message: string, remedy: string): Finding => ({
  level,
  code,
  message,
  remedy,
})

/** The findings about a fact, or a warning that it could not be checked. `command` shows the fact to whoever has the right. */
const of = <Value>(code: string, command: string, fact: Fact<Value>, check: (value: Value) => Finding[]): Finding[] =>
  'value' in fact ? check(fact.value) : [finding('warning', `${code}_unchecked`, fact.problem, `By hand: ${command}`)]

type Where = Pick<AccountFacts, 'account' | 'region'>

function bootstrapFindings({ stage }: Needs, { account, region }: Where, version: number | undefined): Finding[] {
  const remedy = `npx cdk bootstrap aws://${account}/${region} -c stage=${stage}`
  if (version === undefined)
    return [finding('error', 'not_bootstrapped', `The CDK is not set up in ${region}: there is no stack CDKToolkit.`, remedy)]
  if (version < BOOTSTRAP_VERSION)
    return [
      finding(
        'error',
        'bootstrap_too_old',
        `The stack CDKToolkit has version ${version}; version ${BOOTSTRAP_VERSION} is needed.`,
        remedy,
      ),
    ]
  return []
}

const moreConcurrency = ({ region }: Where, desired: number): string =>
  `aws service-quotas request-service-quota-increase --region ${region} --service-code lambda --quota-code L-B99A9384 --desired-value ${desired}`

function concurrencyFindings({ stage, readers }: Needs, where: Where, limit: number): Finding[] {
  if (limit >= USUAL_CONCURRENCY) return []
  const remedy = moreConcurrency(where, USUAL_CONCURRENCY)
  const shared = `The account has ${limit} concurrent executions of Lambda, and the readers of streams of stage ${stage} use ${readers}.`
  return limit <= readers
    ? [finding('error', 'concurrency_too_low', `${shared} None is left for the API.`, remedy)]
    : [finding('warning', 'concurrency_low', `${shared} More requests at once than the rest get 5xx.`, remedy)]
}

function reservationFindings(
  { stage, reserved }: Needs,
  where: Where,
  { limit, unreserved, own }: { readonly limit: number; readonly unreserved: number; readonly own: number },
): Finding[] {
  const free = Math.max(0, unreserved + own - ALWAYS_UNRESERVED)
  if (reserved <= free) return []
  const message = `Stage ${stage} reserves ${reserved} executions, and AWS keeps ${ALWAYS_UNRESERVED} of an account unreserved: of ${limit}, ${free} can be reserved. The deployment would fail.`
  const desired = Math.max(USUAL_CONCURRENCY, limit + reserved - free)
  const setting = free > 0 ? `to ${free} or less in all` : 'to {}'
  return [
    finding(
      'error',
      'reserved_concurrency',
      message,
      `${moreConcurrency(where, desired)}, or set reservedConcurrency in infra/settings.ts ${setting}`,
    ),
  ]
}

function streamFindings(
  { stage, shards }: Needs,
  { region }: Where,
  { shardLimit, openShards, onDemandLimit, onDemand, own }: Extract<AccountFacts['streams'], { value: unknown }>['value'],
): Finding[] {
  const remedy = `aws service-quotas list-service-quotas --region ${region} --service-code kinesis shows the quotas; ask for more of it with aws service-quotas request-service-quota-increase, or lower stream.shards in infra/settings.ts`
  if (shards === 'on-demand')
    return own === undefined && onDemand >= onDemandLimit
      ? [
          finding(
            'error',
            'stream_quota',
            `The region has ${onDemand} on-demand streams of ${onDemandLimit} that are allowed.`,
            remedy,
          ),
        ]
      : []
  const needed = openShards - (own ?? 0) + shards
  if (needed <= shardLimit) return []
  const message = `With stage ${stage} the region would have ${needed} shards of ${shardLimit} that are allowed.`
  return [finding('error', 'shard_quota', message, remedy)]
}

const listInstances = ({ search }: Pick<Needs, 'search'>, { region }: Pick<Where, 'region'>): string =>
  `aws opensearch list-instance-type-details --region ${region} --engine-version ${search?.engineVersion}`

function instanceFindings({ search }: Needs, { region }: Where, types: readonly string[]): Finding[] {
  if (!search || types.includes(search.instance)) return []
  const size = search.instance.slice(search.instance.indexOf('.'))
  const similar = types.filter(type => type.endsWith(size)).slice(0, 5)
  const choose = similar.length > 0 ? `one of ${similar.join(', ')}` : 'another type'
  return [
    finding(
      'error',
      'instance_type',
      `OpenSearch Service has no ${search.instance} with ${search.engineVersion} in ${region}.`,
      `Set search.cluster.instance in infra/settings.ts to ${choose}; all: ${listInstances({ search }, { region })}`,
    ),
  ]
}

const roleFindings = ({ roles }: Needs, missing: readonly string[]): Finding[] =>
  roles
    .filter(({ name }) => missing.includes(name))
    .map(({ name, service, for: purpose }) =>
      finding(
        'info',
        'service_linked_role',
        `The account has no role ${name}, for ${purpose}. AWS creates it at the first deployment, unless the role that deploys may not.`,
        `aws iam create-service-linked-role --aws-service-name ${service}`,
      ),
    )

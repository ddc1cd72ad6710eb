import { ENGINE_VERSION } from '../../infra/search-domain.ts'
import type { Settings } from '../../infra/settings-types.ts'

/** Partitions of a new on-demand table, and shards of a new on-demand stream. */
const ON_DEMAND_PARTS = 4

/** A role that AWS itself uses in the account. AWS creates it at the first deployment, if whoever deploys may create it. */
interface ServiceLinkedRole {
  readonly name: string
  readonly service: string
  readonly for: string
}

/** What a stage needs of an account, beyond its resources. */
export interface Needs {
  readonly stage: string
  readonly shards: number | 'on-demand'
  /** Executions that the readers of streams use at the same time. */
  readonly readers: number
  /** Executions that functions reserve. */
  readonly reserved: number
  /** The instance type of the search domain; undefined if the stage creates none. */
  readonly search: { readonly instance: string; readonly engineVersion: string } | undefined
  readonly roles: readonly ServiceLinkedRole[]
}

export function needsOf(stage: string, { stream, state, search, reservedConcurrency, api }: Settings): Needs {
  const shards = stream.shards === 'on-demand' ? ON_DEMAND_PARTS : stream.shards
  const partitions = state.capacity === 'on-demand' ? ON_DEMAND_PARTS : 1
  // State and windows, and with search index-events and index-documents.
  const readersOfEach = search === 'off' ? 1 : 2
  return {
    stage,
    shards: stream.shards,
    readers: readersOfEach * (shards + partitions),
    reserved: Object.values(reservedConcurrency).reduce((sum, executions) => sum + executions, 0),
    search:
      search === 'off' || 'url' in search.cluster
        ? undefined
        : { instance: search.cluster.instance, engineVersion: ENGINE_VERSION.version },
    roles: [...(state.capacity === 'on-demand' ? [] : [TABLE_SCALING]), ...(api.domain === 'none' ? [] : [OWN_DOMAIN])],
  }
}

const TABLE_SCALING: ServiceLinkedRole = {
  name: 'AWSServiceRoleForApplicationAutoScaling_DynamoDBTable',
  service: 'dynamodb.application-autoscaling.amazonaws.com',
  for: 'the capacity of the state table',
}

const OWN_DOMAIN: ServiceLinkedRole = {
  name: 'AWSServiceRoleForAPIGateway',
  service: 'ops.apigateway.amazonaws.com',
  for: 'a domain of your own',
}

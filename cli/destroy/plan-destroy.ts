/** A resource of a stack, as CloudFormation lists it. */
export interface StackResource {
  readonly type: string
  /** The name in the template. */
  readonly logicalId: string
  readonly id: string
}

/** What is deleted, by the names that AWS gave. */
export interface Destruction {
  readonly mappings: readonly string[]
  readonly schedules: readonly string[]
  readonly deliveryStreams: readonly string[]
  /** The bucket of access logs is the last: S3 writes to it while the others are emptied. */
  readonly buckets: readonly string[]
  readonly tables: readonly string[]
  readonly streams: readonly string[]
  readonly domains: readonly string[]
  readonly databases: readonly string[]
  readonly logGroups: readonly string[]
}

/** What a person is shown of the resources that hold data or bill. */
export const resourceNames = {
  deliveryStreams: (id: string) => `delivery stream ${id}`,
  buckets: (id: string) => `bucket ${id}`,
  tables: (id: string) => `table ${id}`,
  streams: (id: string) => `stream ${id}`,
  domains: (id: string) => `search domain ${id}`,
  databases: (id: string) => `database ${id}`,
  logGroups: (id: string) => `log group ${id}`,
} as const satisfies Partial<Record<keyof Destruction, (id: string) => string>>

export const resourcesOf = (plan: Destruction): string[] =>
  Object.entries(resourceNames).flatMap(([kind, name]) => plan[kind as keyof typeof resourceNames].map(name))

const ACCESS_LOGS = /^AccessLogs/

/** Sorts the resources of stacks, each once, by what has to be done with them. All others bill nothing without these, and go with the stack. */
export function planDestruction(resources: readonly StackResource[]): Destruction {
  const idsOf = (type: string, logicalId = /^/) => {
    const found = resources.filter(each => each.type === `AWS::${type}` && logicalId.test(each.logicalId))
    return [...new Set(found.map(({ id }) => id))]
  }
  const logs = idsOf('S3::Bucket', ACCESS_LOGS)
  return {
    mappings: idsOf('Lambda::EventSourceMapping'),
    schedules: idsOf('Scheduler::Schedule'),
    deliveryStreams: idsOf('KinesisFirehose::DeliveryStream'),
    buckets: [...idsOf('S3::Bucket').filter(id => !logs.includes(id)), ...logs],
    tables: idsOf('DynamoDB::Table'),
    streams: idsOf('Kinesis::Stream'),
    domains: idsOf('OpenSearchService::Domain'),
    databases: idsOf('Glue::Database'),
    logGroups: idsOf('Logs::LogGroup'),
  }
}

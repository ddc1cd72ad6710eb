/** Outputs of a deployed stack: infra/ writes them, the CLI finds everything through them. */
export const stackOutputs = [
  'ApiUrl',
  'StreamName',
  'StateTable',
  'KeysTable',
  'QuarantineTable',
  'QuarantineBucket',
  'ReportsTable',
  'ArchiveBucket',
  'DeliveryStream',
  'OpenSearchUrl',
  'RawEventTypes',
  'RawEventDays',
  /** `function=log group`, with commas between. */
  'LogGroups',
  'ReportsFunction',
  'SetUpFunction',
  'ReplayFunction',
  'CollectFailuresFunction',
  'ReindexFunction',
] as const

export type StackOutput = (typeof stackOutputs)[number]
export type StackOutputs = Readonly<Record<StackOutput, string>>

/** The name of the CloudFormation stack of a stage. */
export const stackName = (stage: string): string => `millrace-${stage}`

/** `.millrace/outputs.json`, written by `up`. */
export interface LocalOutputs {
  readonly apiUrl: string
  readonly writeKey: string
  readonly readKey: string
  readonly adminKey: string
  readonly opensearchUrl: string
  readonly awsEndpointUrl: string
  readonly region: string
  readonly streamName: string
  readonly stateTable: string
  readonly archiveBucket: string
  readonly consoleUrl: string
  readonly stack: StackOutputs
}

export const LOCAL_OUTPUTS = '.millrace/outputs.json'

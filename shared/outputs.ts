import { UserError } from './user-error.ts'

/** Outputs of a deployed stack. infra/ writes them, and the CLI reads from them where everything is. */
export const stackOutputs = [
  'ApiUrl',
  'StreamName',
  'StateTable',
  'KeysTable',
  'KeyUseTable',
  'QuarantineTable',
  'QuarantineBucket',
  'ReportsTable',
  'ArchiveBucket',
  'DeliveryStream',
  'OpenSearchUrl',
  'RawEventTypes',
  'RawEventDays',
  'IdentityMinutes',
  /** Comma-separated pairs `function=log group`. */
  'LogGroups',
  /** The keys of the projections that the functions have, separated by commas. */
  'Projections',
  'ReportsFunction',
  /** The workgroup of Athena that computes the reports, or `none`. */
  'AthenaWorkgroup',
  'SetUpFunction',
  'ReplayFunction',
  'CollectFailuresFunction',
  'ReindexFunction',
  'JobsTable',
  'CompactFunction',
  'LedgerTable',
] as const

export type StackOutputs = Readonly<Record<(typeof stackOutputs)[number], string>>

/** The name of the CloudFormation stack of a stage. */
export const stackName = (stage: string): string => `millrace-${stage}`

/** The Glue database of a stage. Athena takes a name with a hyphen only in quotes. */
export const databaseName = (stage: string): string => stackName(stage).replaceAll('-', '_')

/** The content of `.millrace/outputs.json`, which `millrace up` writes. */
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
  /** The console, without a key: it asks for one. */
  readonly consoleUrl: string
  /** The access key that the emulated cloud demands since its last start. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** With an emulator that somebody else started: the token of temporary credentials. */
  readonly sessionToken?: string
  /** With an emulator that somebody else started: a file of certificates to trust. */
  readonly certificates?: string
  readonly stack: StackOutputs
}

/** The outputs without keys, which `up --json` prints. */
export const outputsWithoutKeys = ({ apiUrl, opensearchUrl, awsEndpointUrl, region, ...outputs }: LocalOutputs) => ({
  ...{ apiUrl, opensearchUrl, awsEndpointUrl, region, streamName: outputs.streamName, stateTable: outputs.stateTable },
  ...{ archiveBucket: outputs.archiveBucket, consoleUrl: outputs.consoleUrl, stack: outputs.stack },
})

export const LOCAL_OUTPUTS = '.millrace/outputs.json'

/** A deployed stack, as CloudFormation describes it. */
interface DescribedStack {
  readonly Outputs?: readonly { readonly OutputKey?: string | undefined; readonly OutputValue?: string | undefined }[] | undefined
}

/** The outputs of a deployed stack. Throws a UserError if some are missing. */
export function readOutputs(name: string, stack: DescribedStack | undefined): StackOutputs {
  const values = new Map(stack?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]))
  const missing = stackOutputs.filter(output => !values.get(output))
  if (missing.length > 0)
    throw new UserError(`The stack ${name} lacks the outputs ${missing.join(', ')}. Deploy it again with this version.`)
  return Object.fromEntries(values) as StackOutputs
}

import { readFile } from 'node:fs/promises'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import type { Credentials } from '../localstack/credentials.ts'
import { prepareToCall } from '../localstack/emulator/prepare.ts'
import type { Scope } from '../shared/keys.ts'
import { LOCAL_OUTPUTS, type LocalOutputs, readOutputs, type StackOutputs, stackName } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'

/** Settings for AWS SDK clients. When they are empty, the SDK finds the user's own account. */
interface AwsSettings {
  readonly endpoint?: string
  readonly region?: string
  readonly credentials?: Credentials
}

/** The deployment that a command works on: the local cloud, or a stage in an AWS account. */
export interface Target {
  readonly name: string
  readonly local: boolean
  /** Without a path and without a trailing slash. */
  readonly apiUrl: string
  readonly outputs: StackOutputs
  readonly aws: AwsSettings
  /** The key of this scope. Throws a UserError that says how to create one. */
  key(scope: Exclude<Scope, 'client'>): string
}

/** The target of a command: the named stage, or the local cloud. */
export const findTarget = (stage: string | undefined): Promise<Target> =>
  stage === undefined ? readLocalOutputs().then(localTarget) : stageTarget(stage)

/** Reads the outputs that `up` wrote. Throws a UserError when the local cloud is not running. */
export async function readLocalOutputs(): Promise<LocalOutputs> {
  const text = await readFile(LOCAL_OUTPUTS, 'utf8').catch(() => {
    throw new UserError('The local cloud is not running. Start it with `npx millrace up`.')
  })
  const outputs = JSON.parse(text) as LocalOutputs
  prepareToCall({ endpoint: outputs.awsEndpointUrl, ...(outputs.certificates && { certificates: outputs.certificates }) })
  return outputs
}

/** The local cloud with these outputs. */
export function localTarget(local: LocalOutputs): Target {
  const keys = { write: local.writeKey, read: local.readKey, admin: local.adminKey }
  return {
    name: 'the local cloud',
    local: true,
    apiUrl: local.apiUrl,
    outputs: local.stack,
    // Complete, so that the SDK never uses the user's own AWS account here.
    aws: {
      endpoint: local.awsEndpointUrl,
      region: local.region,
      credentials: {
        accessKeyId: local.accessKeyId,
        secretAccessKey: local.secretAccessKey,
        ...(local.sessionToken && { sessionToken: local.sessionToken }),
      },
    },
    key: scope => keys[scope],
  }
}

async function stageTarget(stage: string): Promise<Target> {
  const outputs = await readStackOutputs(stage)
  return {
    name: `stage ${stage}`,
    local: false,
    apiUrl: new URL(outputs.ApiUrl).origin,
    outputs,
    aws: {},
    key: scope => {
      const key = process.env['MILLRACE_KEY']
      if (key) return key
      throw new UserError(
        `Set MILLRACE_KEY to a ${scope} key. Create one with \`npx millrace keys create NAME --scope ${scope} --stage ${stage}\`.`,
      )
    },
  }
}

async function readStackOutputs(stage: string): Promise<StackOutputs> {
  const { Stacks } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: stackName(stage) }))
  return readOutputs(stackName(stage), Stacks?.[0])
}

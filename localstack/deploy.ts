import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation'
import { readOutputs, type StackOutputs, stackName } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'
import { type Progress, run } from './cache.ts'
import type { CloudAccess } from './credentials.ts'
import { cloudEnvironment, cloudSettings, REGION } from './ministack.ts'
import { nodeFolder } from './node.ts'
import { forbidOthersToWriteIn } from './private-files.ts'
import { writeWhole } from './whole-file.ts'

const STAGE = 'local'
const ROOT = join(import.meta.dirname, '..')
/** The inputs of the template and of the function bundles. */
const INPUTS = ['infra', 'lambdas', 'shared', 'console', 'revisions.json', 'cdk.json', 'package-lock.json', 'tsconfig.json']

/** Where to deploy. `folder` stores the fingerprint of the last deployment. */
export interface Deployment {
  readonly cloud: CloudAccess
  readonly account: string
  /** The types of resources that the cloud lacks. */
  readonly leftOut: readonly string[]
  readonly openSearchUrl: string
  readonly folder: string
}

/** A hash over the paths and contents of files and folders. */
export function fingerprint(paths: readonly string[], salt: string): string {
  const hash = createHash('sha256').update(salt)
  for (const file of paths.flatMap(filesIn).sort()) hash.update(`\0${relative(ROOT, file)}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

function filesIn(path: string): string[] {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

/**
 * Deploys stage local of the CDK app and returns the stack's outputs. Skips the deployment if the stack exists and its inputs
 * have not changed. Throws a UserError if the deployment fails.
 */
export async function deploy(deployment: Deployment, progress: Progress): Promise<StackOutputs> {
  const inputs = INPUTS.map(name => join(ROOT, name))
  const { cloud, account, leftOut, openSearchUrl } = deployment
  const current = fingerprint(inputs, [cloud.endpoint, account, leftOut, openSearchUrl, process.arch].join(' '))
  const record = join(deployment.folder, 'deployed')
  const deployed = existsSync(record) ? readFileSync(record, 'utf8') : undefined
  const existing = deployed === current ? await outputsOf(deployment) : undefined
  if (existing) return existing
  await bootstrap(deployment, progress)
  progress('deploying')
  const context = ['-c', `stage=${STAGE}`, '-c', `opensearchUrl=${openSearchUrl}`]
  if (leftOut.length > 0) context.push('-c', `leaveOut=${leftOut.join()}`)
  await cdk(['deploy', '--all', '--require-approval', 'never', '--progress', 'events', ...context], ROOT, deployment, progress)
  forbidOthersToWriteIn(join(deployment.folder, 'cdk.out'))
  const outputs = await outputsOf(deployment)
  if (!outputs)
    throw new UserError(
      `The stack ${stackName(STAGE)} is missing after its deployment. Run \`npx millrace down\`, then \`npx millrace up\`.`,
    )
  writeWhole(record, current)
  return outputs
}

/** The outputs of the deployed stack; undefined if it does not exist or its deployment did not complete. */
async function outputsOf({ cloud }: Deployment): Promise<StackOutputs | undefined> {
  const stack = await completeStack(cloud, stackName(STAGE))
  return stack && readOutputs(stackName(STAGE), stack)
}

async function completeStack(cloud: CloudAccess, name: string): Promise<Stack | undefined> {
  const client = new CloudFormationClient(cloudSettings(cloud))
  const result = await client.send(new DescribeStacksCommand({ StackName: name })).catch(() => undefined)
  const stack = result?.Stacks?.[0]
  return stack?.StackStatus?.endsWith('_COMPLETE') && !/ROLLBACK|DELETE/.test(stack.StackStatus) ? stack : undefined
}

/** Creates the CDK's own bucket and roles, once per cloud. Runs outside the app's folder, so that the CDK does not synthesise the app. */
async function bootstrap(deployment: Deployment, progress: Progress): Promise<void> {
  if (await completeStack(deployment.cloud, 'CDKToolkit')) return
  progress('bootstrapping the CDK')
  mkdirSync(deployment.folder, { recursive: true })
  await cdk(['bootstrap', `aws://${deployment.account}/${REGION}`], deployment.folder, deployment, progress)
}

async function cdk(args: readonly string[], cwd: string, { cloud, folder }: Deployment, progress: Progress): Promise<void> {
  const node = join(nodeFolder(), 'node')
  const tool = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  const output = ['--output', join(folder, 'cdk.out')]
  const { code, output: text } = await run(node, [tool, ...args, ...output, '--no-color', '--no-notices'], {
    cwd,
    env: environment(cloud),
    line: progress,
  })
  if (code === 0) return
  const log = join(folder, 'cdk.log')
  writeWhole(log, text)
  throw new UserError(`cdk ${args[0]} failed: ${failureOf(text)} (see ${log})`)
}

/** The first line of the CDK's output that contains an error. */
export const failureOf = (output: string): string => {
  const lines = output.split('\n').map(line => line.trim())
  return lines.find(line => /error|fail|❌|cannot/i.test(line)) ?? lines.filter(Boolean).at(-1) ?? 'it printed nothing'
}

/** The user's environment, because npm and esbuild need its proxies and registries, without the settings of the user's AWS account. */
function environment(cloud: CloudAccess): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_|NODE_OPTIONS$)/.test(name))
  return {
    ...Object.fromEntries(inherited),
    PATH: `${nodeFolder()}:${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH']}`,
    ...cloudEnvironment(cloud),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // Half of a synthesis; the template that goes to AWS is validated.
    CDK_VALIDATION: 'false',
  }
}

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation'
import { type StackOutputs, stackName, stackOutputs } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'
import { type Progress, run } from './cache.ts'
import { ACCOUNT, cloudEnvironment, cloudSettings, REGION } from './ministack.ts'
import { nodeFolder } from './node.ts'

const STAGE = 'local'
const ROOT = join(import.meta.dirname, '..')
/** What the template and the functions are made of. */
const INPUTS = ['infra', 'lambdas', 'shared', 'console', 'cdk.json', 'package-lock.json', 'tsconfig.json']

/** Where to deploy; `folder` keeps what was deployed last. */
export interface Deployment {
  readonly endpoint: string
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
 * Deploys stage local of the CDK app and returns the stack's outputs; does nothing when the stack is there and its
 * inputs are the same as last time. Throws a Failure.
 */
export async function deploy(deployment: Deployment, progress: Progress): Promise<StackOutputs> {
  const inputs = INPUTS.map(name => join(ROOT, name))
  const wanted = fingerprint(inputs, `${deployment.endpoint} ${deployment.openSearchUrl} ${process.arch}`)
  const record = join(deployment.folder, 'deployed')
  const deployed = existsSync(record) ? readFileSync(record, 'utf8') : undefined
  const present = deployed === wanted ? await outputsOf(deployment) : undefined
  if (present) return present
  await bootstrap(deployment, progress)
  progress('deploying')
  const context = ['-c', `stage=${STAGE}`, '-c', `opensearchUrl=${deployment.openSearchUrl}`]
  await cdk(['deploy', '--all', '--require-approval', 'never', '--progress', 'events', ...context], ROOT, deployment, progress)
  const outputs = await outputsOf(deployment)
  if (!outputs)
    throw new UserError(
      `The stack ${stackName(STAGE)} is not there after its deployment; run \`npx millrace down\`, then up again.`,
    )
  mkdirSync(dirname(record), { recursive: true })
  writeFileSync(record, wanted)
  return outputs
}

/** The outputs of the deployed stack, undefined when it is not there or not whole. */
async function outputsOf({ endpoint }: Deployment): Promise<StackOutputs | undefined> {
  const stack = await completeStack(endpoint, stackName(STAGE))
  if (!stack) return undefined
  const found = new Map(stack.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]))
  const missing = stackOutputs.filter(name => !found.get(name))
  if (missing.length > 0)
    throw new UserError(`The stack ${stackName(STAGE)} lacks the outputs ${missing.join(', ')}; see shared/outputs.ts.`)
  return Object.fromEntries(found) as StackOutputs
}

async function completeStack(endpoint: string, name: string): Promise<Stack | undefined> {
  const client = new CloudFormationClient(cloudSettings(endpoint))
  const answer = await client.send(new DescribeStacksCommand({ StackName: name })).catch(() => undefined)
  const stack = answer?.Stacks?.[0]
  return stack?.StackStatus?.endsWith('_COMPLETE') && !/ROLLBACK|DELETE/.test(stack.StackStatus) ? stack : undefined
}

/** The CDK's own bucket and roles, once a cloud; outside the app's folder nothing is synthesised for it. */
async function bootstrap(deployment: Deployment, progress: Progress): Promise<void> {
  if (await completeStack(deployment.endpoint, 'CDKToolkit')) return
  progress('bootstrapping the CDK')
  mkdirSync(deployment.folder, { recursive: true })
  await cdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`], deployment.folder, deployment, progress)
}

async function cdk(args: readonly string[], cwd: string, { endpoint, folder }: Deployment, progress: Progress): Promise<void> {
  const node = join(nodeFolder(), 'node')
  const tool = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  const output = ['--output', join(folder, 'cdk.out')]
  const { code, output: said } = await run(node, [tool, ...args, ...output, '--no-color', '--no-notices'], {
    cwd,
    env: environment(endpoint),
    line: progress,
  })
  if (code === 0) return
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'cdk.log')
  writeFileSync(log, said)
  throw new UserError(`cdk ${args[0]} failed: ${failureOf(said)} (${log})`)
}

/** The first line of CDK's output that tells a cause. */
export const failureOf = (output: string): string => {
  const lines = output.split('\n').map(line => line.trim())
  return lines.find(line => /error|fail|❌|cannot/i.test(line)) ?? lines.filter(Boolean).at(-1) ?? 'it left no word'
}

/** The person's environment, since npm and esbuild need it (proxies, registries), without anything of their AWS account. */
function environment(endpoint: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_|NODE_OPTIONS$)/.test(name))
  return {
    ...Object.fromEntries(own),
    PATH: `${nodeFolder()}:${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH']}`,
    ...cloudEnvironment(endpoint),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  }
}

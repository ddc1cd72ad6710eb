import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation'
import type { Target } from '../../cli/target.ts'
import { cloudCallsFile } from '../../localstack/ministack.ts'
import { openSearchCallsFile } from '../../localstack/opensearch.ts'
import type { LocalCloud } from '../../localstack/parts.ts'
import { stackName } from '../../shared/outputs.ts'
import { withoutHash } from './names.ts'
import {
  type CallOfSdk,
  type LogicalIds,
  type NeededRight,
  rightForSearch,
  rightsFor,
  type SearchRequest,
} from './recorded-call.ts'
import { unrecorded } from './unrecorded.ts'

/** The rights that the functions need: a line for each, in order. The tests on the local cloud record it. */
export const RECORDING = 'test/golden/rights/calls.txt'

export const lineOf = ({ function: name, action, resource, prefix }: NeededRight): string =>
  `${name} ${action} ${resource}${prefix === undefined ? '' : ` prefix=${prefix}`}`

export function readLine(line: string): NeededRight {
  const [, name = '', action = '', resource = '', prefix] = /^(\S+) (\S+) (\S+)(?: prefix=(\S*))?$/.exec(line) ?? []
  if (!resource) throw new Error(`${RECORDING} has a line that is no call: ${line}`)
  return { function: name, action, resource, ...(prefix !== undefined && { prefix }) }
}

const linesOf = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [])

export const recordedLines = (): string[] => linesOf(RECORDING)

/** The lines of all calls that functions are known to make. */
export const knownLines = (): string[] => [...recordedLines(), ...unrecorded.flatMap(({ lines }) => lines)]

const callFiles = ({ cloud, openSearch }: LocalCloud): readonly string[] => [
  cloudCallsFile(cloud),
  openSearchCallsFile(openSearch),
]

/** From now on, the local cloud records the calls of its functions. */
export function startRecording(local: LocalCloud): void {
  for (const file of callFiles(local)) {
    mkdirSync(dirname(file), { recursive: true })
    if (!existsSync(file)) writeFileSync(file, '')
  }
}

export function stopRecording(local: LocalCloud): void {
  for (const file of callFiles(local)) rmSync(file, { force: true })
}

/** The lines of all calls since `startRecording`. */
export async function linesOfRun(local: LocalCloud, target: Target): Promise<string[]> {
  const ids = await logicalIds(target)
  const calls = [...new Set(linesOf(cloudCallsFile(local.cloud)))].map(line => JSON.parse(line) as CallOfSdk)
  const requests = [...new Set(linesOf(openSearchCallsFile(local.openSearch)))].map(line => JSON.parse(line) as SearchRequest)
  const rights = [...calls.flatMap(call => rightsFor(call, ids)), ...requests.map(request => rightForSearch(request, ids))]
  return [...new Set(rights.map(lineOf))].sort()
}

async function logicalIds(target: Target): Promise<LogicalIds> {
  const ids = new Map<string, string>()
  const client = new CloudFormationClient(target.aws)
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName: stackName('local') }))
    for (const { PhysicalResourceId = '', LogicalResourceId = '' } of StackResourceSummaries)
      ids.set(PhysicalResourceId, withoutHash(LogicalResourceId))
  return ids
}

/** Adds lines to the recording. */
export function record(lines: readonly string[]): void {
  const all = [...new Set([...recordedLines(), ...lines])].sort()
  mkdirSync(dirname(RECORDING), { recursive: true })
  writeFileSync(RECORDING, all.map(line => `${line}\n`).join(''))
}

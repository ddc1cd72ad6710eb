import type { Command } from 'commander'
import { localCloud } from '../localstack/parts.ts'
import { readPrerequisites } from '../localstack/prerequisites.ts'
import { UserError } from '../shared/user-error.ts'
import { doctorClients, readAccount } from './doctor/account.ts'
import { accessFinding, readRegion } from './doctor/credentials.ts'
import { localFindings } from './doctor/local-findings.ts'
import { planFindings } from './doctor/plan-findings.ts'
import { type Finding, findingLines, resultOf } from './findings.ts'
import { type CommonOptions, printJson } from './options.ts'
import { stageSettings } from './stage-settings.ts'
import { visible } from './visible.ts'

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'check what this machine lacks for the local cloud, or the AWS account for the deployment of a stage, each with what fixes it',
    )
    .option('--stage <name>', 'the stage, as in infra/settings.ts, instead of the local cloud')
    .option('--json', 'print one JSON value')
    .action(async ({ stage, json }: CommonOptions) => {
      const result = resultOf(await (stage === undefined ? examineMachine() : examine(stage)))
      const next = stage === undefined ? 'npx millrace up' : `npx cdk deploy -c stage=${stage}`
      if (json) printJson(result)
      else for (const line of result.findings.flatMap(findingLines)) console.log(visible(line))
      if (!json) console.log(visible(result.ok ? `Next: ${next}` : 'Fix the errors first.'))
      if (!result.ok) process.exitCode = 1
    })
}

/** What this machine lacks for the local cloud. */
async function examineMachine(): Promise<Finding[]> {
  try {
    return localFindings(await readPrerequisites(localCloud()))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [{ level: 'error', code: 'ports', message: error.message, remedy: 'localstack/ports.env' }]
  }
}

/** What an account lacks for a stage. Without access to it, only why there is none. */
async function examine(stage: string): Promise<Finding[]> {
  // Loads the CDK, which no other command needs.
  const { needsOf } = await import('./doctor/needs.ts')
  const needs = needsOf(stage, await stageSettings(stage))
  const region = await readRegion(process.env)
  if (typeof region !== 'string') return [region]
  try {
    return planFindings(needs, await readAccount(doctorClients(region), region, needs))
  } catch (error) {
    return [await accessFinding(error as Error, region, process.env)]
  }
}

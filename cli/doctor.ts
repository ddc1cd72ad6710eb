import type { Command } from 'commander'
import type { Settings } from '../infra/settings-types.ts'
import { UsageError } from '../shared/user-error.ts'
import { doctorClients, readAccount } from './doctor/account.ts'
import { accessFinding, readRegion } from './doctor/credentials.ts'
import { planFindings } from './doctor/plan-findings.ts'
import { type Finding, findingLines, resultOf } from './findings.ts'
import { printJson } from './options.ts'
import { visible } from './visible.ts'

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check before a deployment what the AWS account lacks for a stage, each with the command that fixes it')
    .requiredOption('--stage <name>', 'the stage, as in infra/settings.ts')
    .option('--json', 'print one JSON value')
    .action(async ({ stage, json }: { stage: string; json?: true }) => {
      const result = resultOf(await examine(stage))
      if (json) printJson(result)
      else for (const line of result.findings.flatMap(findingLines)) console.log(visible(line))
      if (!json) console.log(visible(result.ok ? `Deploy with: npx cdk deploy -c stage=${stage}` : 'Fix the errors first.'))
      if (!result.ok) process.exitCode = 1
    })
}

/** What an account lacks for a stage. Without access to it, only why there is none. */
async function examine(stage: string): Promise<Finding[]> {
  // Loads the CDK, which no other command needs.
  const { needsOf } = await import('./doctor/needs.ts')
  const needs = needsOf(stage, await settingsOf(stage))
  const region = await readRegion(process.env)
  if (typeof region !== 'string') return [region]
  try {
    return planFindings(needs, await readAccount(doctorClients(region), region, needs))
  } catch (error) {
    return [await accessFinding(error as Error, region, process.env)]
  }
}

async function settingsOf(stage: string): Promise<Settings> {
  const { settingsFor } = await import('../infra/settings.ts')
  try {
    return settingsFor(stage)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import type { Command } from 'commander'
import { stackName } from '../shared/outputs.ts'
import { UsageError } from '../shared/user-error.ts'
import { readStackResources, readSums } from './cost/cloudwatch.ts'
import { type CostReport, mixReport, perMillion } from './cost/cost-report.ts'
import { idleUsage } from './cost/idle.ts'
import { LOCAL_STAGE, readLocalFacts } from './cost/local-cloud.ts'
import { localUsage } from './cost/local-usage.ts'
import { acceptedEvents, lastHours, measuredUsage, planMeasures } from './cost/plan-metrics.ts'
import { pricedCost } from './cost/priced.ts'
import { PRICES_OF } from './cost/prices.ts'
import { readPublished } from './cost/published-mixes.ts'
import { templateResources } from './cost/stage-template.ts'
import { costRows, costSummary } from './cost/tables.ts'
import { type CommonOptions, positiveNumber, printJson, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget } from './target.ts'

interface CostOptions extends CommonOptions {
  readonly mix?: string
  readonly hours: number
}

export function costCommand(program: Command): void {
  withCommonOptions(
    program
      .command('cost')
      .description('what a million events cost, and a stage in a month without events, by part, at the list prices of AWS')
      .option('--mix <name>', 'a published mix of events instead of what was measured: A, B, C or D (docs/cost.md)')
      .option('--hours <number>', 'how many whole hours of CloudWatch to sum', positiveNumber, 24),
  ).action(async (options: CostOptions) => {
    const report = await reportOf(options)
    const priced = pricedCost(report)
    if (options.json) return printJson(priced)
    const rows = costRows(report, priced)
    console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
    for (const line of costSummary(report, priced)) console.log(line)
    console.log(`List prices of ${PRICES_OF.region}, ${PRICES_OF.date}, without free tiers and taxes: cli/cost/prices.ts.`)
  })
}

async function reportOf({ stage, mix, hours }: CostOptions): Promise<CostReport> {
  if (mix !== undefined) return publishedReport(mix, stage ?? 'prod')
  return stage === undefined ? localReport() : stageReport(stage, hours)
}

async function publishedReport(name: string, stage: string): Promise<CostReport> {
  const { mixes } = readPublished()
  const mix = mixes.find(each => each.name === name.toUpperCase())
  if (!mix)
    throw new UsageError(`There is no mix ${name}. Choose one of ${mixes.map(each => each.name).join(', ')}: docs/cost.md.`)
  return mixReport(mix, stage, idleUsage(await templateResources(stage)))
}

async function stageReport(stage: string, hours: number): Promise<CostReport> {
  const template = await templateResources(stage)
  const idle = idleUsage(template)
  const stack = stackName(stage)
  const resources = await readStackResources(new CloudFormationClient({}), stack)
  const measures = [acceptedEvents(stack), ...planMeasures(resources, template)]
  const range = lastHours(hours, Date.now())
  const { events, parts } = measuredUsage(measures, await readSums(new CloudWatchClient({}), measures, range))
  const source = `measured by CloudWatch in ${hours} hours until ${new Date(range.to).toISOString()}`
  return { stage, source, events, parts: perMillion(parts, events), idle, eventsPerMonth: undefined }
}

async function localReport(): Promise<CostReport> {
  const target = await findTarget(undefined)
  const template = await templateResources(LOCAL_STAGE)
  const { events, parts } = localUsage(await readLocalFacts(target, template))
  const source = 'counted in the stores and logs of the local cloud; compute from the milliseconds of this machine'
  return { stage: LOCAL_STAGE, source, events, parts: perMillion(parts, events), idle: {}, eventsPerMonth: undefined }
}

import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { catalogueProblems } from '../catalogue/check.ts'
import { eventTypes, projections, reports, reportsFolder } from '../shared/catalogue.ts'
import { deployedShards, shardProblem } from './deployed-shards.ts'
import { leaveOut } from './leave-out.ts'
import { engineProblems } from './report-engine.ts'
import { settingsFor } from './settings.ts'
import { MillraceStack } from './stack.ts'

const app = new App()
const context = (name: string): string | undefined => app.node.tryGetContext(name)

try {
  const stage = context('stage')
  if (!stage) throw new Error('Choose a stage: add `-c stage=dev`, `-c stage=prod`, or another stage of infra/settings.ts.')
  const problems = await catalogueProblems()
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const settings = settingsFor(stage, context('opensearchUrl'))
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env
  const problem = shardProblem(stage, await deployedShards(stage, { account, region }), settings.stream.shards)
  if (problem) throw new Error(problem)
  const lacking = engineProblems(stage, settings, reports, reportsFolder)
  if (lacking.length > 0) throw new Error(lacking.join('\n'))
  const stack = new MillraceStack(app, { stage, settings, eventTypes, projections, reports })
  if (stage === 'local') leaveOut(stack, context('leaveOut')?.split(',') ?? []) // what an emulator lacks
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
} catch (error) {
  // One line for each problem; `cdk --debug` shows the stack trace.
  console.error(process.env['CDK_DEBUG'] || !(error instanceof Error) ? error : error.message)
  process.exit(1)
}

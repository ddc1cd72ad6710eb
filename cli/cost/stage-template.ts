import { readFileSync } from 'node:fs'
import path from 'node:path'
import { stageSettings } from '../stage-settings.ts'
import type { TemplateResource } from './idle.ts'

const ROOT = path.join(import.meta.dirname, '../..')

/** The resources of a stage's template by logical id, as `cdk synth` makes them, without the code of the functions. */
export async function templateResources(stage: string): Promise<Readonly<Record<string, TemplateResource>>> {
  const [{ App }, { MillraceStack }, settings, { eventTypes, projections, reports }] = await Promise.all([
    import('aws-cdk-lib'),
    import('../../infra/stack.ts'),
    stageSettings(stage),
    import('../../shared/catalogue.ts'),
  ])
  // The constructs' own validation runs in `cdk synth`; here it would only write its report to the console.
  process.env['CDK_VALIDATION'] = 'false'
  const { context } = JSON.parse(readFileSync(path.join(ROOT, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false })
  const stack = new MillraceStack(app, {
    stage,
    settings,
    eventTypes,
    projections,
    reports,
  })
  const { template } = app.synth().getStackArtifact(stack.artifactId)
  return template.Resources
}

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../../shared/user-error.ts'
import type { TemplateResource } from './idle.ts'

const ROOT = path.join(import.meta.dirname, '../..')

/** The resources of a stage's template by logical id, as `cdk synth` makes them, without the code of the functions. */
export async function templateResources(stage: string): Promise<Readonly<Record<string, TemplateResource>>> {
  const [{ App }, { MillraceStack }, { settingsFor }, { eventTypes, projections, reports }] = await Promise.all([
    import('aws-cdk-lib'),
    import('../../infra/stack.ts'),
    import('../../infra/settings.ts'),
    import('../../shared/catalogue.ts'),
  ])
  // The constructs' own validation runs in `cdk synth`; here it would only write its report to the console.
  process.env['CDK_VALIDATION'] = 'false'
  const { context } = JSON.parse(readFileSync(path.join(ROOT, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false })
  const stack = new MillraceStack(app, {
    stage,
    settings: settingsOrUsageError(stage, settingsFor),
    eventTypes,
    projections,
    reports,
  })
  const { template } = app.synth().getStackArtifact(stack.artifactId)
  return template.Resources
}

function settingsOrUsageError<Settings>(stage: string, settingsFor: (stage: string) => Settings): Settings {
  try {
    return settingsFor(stage)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

// The stage dev with Athena as the engine of the reports, with the findings of cdk-nag, as infra/app.ts makes the stages.
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { settingsFor } from '../../infra/settings.ts'
import { MillraceStack } from '../../infra/stack.ts'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'

const app = new App()
const dev = settingsFor('dev')
const settings = { ...dev, reports: { ...dev.reports, engine: 'athena' as const } }
new MillraceStack(app, { stage: 'dev', settings, eventTypes, projections, reports })
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))

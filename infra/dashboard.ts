import { Dashboard, GraphWidget } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { stackName } from '../shared/outputs.ts'
import type { Watched } from './alarms.ts'

/** The graphs of all parts on one page, in the order events flow. */
export const dashboard = (scope: Construct, parts: readonly Watched[], stage: string): Dashboard =>
  new Dashboard(scope, 'Dashboard', {
    dashboardName: stackName(stage),
    widgets: parts
      .flatMap(part => part.graphs)
      .map(({ title, left, right = [] }) => [new GraphWidget({ title, left: [...left], right: [...right], width: 24 })]),
  })

import { Aws } from 'aws-cdk-lib'
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { stackName } from '../shared/outputs.ts'
import type { Graph, LogGraph, Monitored } from './alarm-topic.ts'

const WHOLE_ROW = 24
const THIRD_OF_ROW = 8
const HEIGHT = 6

const legend = (stage: string): string => `# ${stackName(stage)}
Data flow: requests → ingest → event stream → states → windows → documents and raw events in OpenSearch; event stream → archive → reports.
The graphs are in this order, followed by reads, quarantine and costs. One point is five minutes; for data stored in S3, one day.
**An alarm is red?** Its name without \`${stackName(stage)}\` is a heading in \`docs/runbook.md\`: what it means, where to look, how to fix it.`

/** One page with the alarms of all parts, then their graphs in the order of the parts. */
export const dashboard = (
  scope: Construct,
  parts: readonly Monitored[],
  { stage, alarms }: { readonly stage: string; readonly alarms: readonly IAlarm[] },
): Dashboard =>
  new Dashboard(scope, 'Dashboard', {
    // Dashboards of all regions of an account share their names.
    dashboardName: `${stackName(stage)}-${Aws.REGION}`,
    widgets: [
      [new TextWidget({ markdown: legend(stage), width: WHOLE_ROW, height: 4 })],
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: WHOLE_ROW, height: HEIGHT })],
      parts.flatMap(part => part.graphs).map(graph => ('query' in graph ? logWidget(graph) : metricWidget(graph))),
    ],
  })

const metricWidget = ({ title, unit, metrics }: Graph): IWidget =>
  new GraphWidget({
    title,
    left: [...metrics],
    leftYAxis: { label: unit, showUnits: false, min: 0 },
    width: THIRD_OF_ROW,
    height: HEIGHT,
  })

const logWidget = ({ title, logGroups, query }: LogGraph): IWidget =>
  new LogQueryWidget({
    title,
    logGroupNames: logGroups.map(({ logGroupName }) => logGroupName),
    queryLines: [...query],
    view: LogQueryVisualizationType.STACKEDAREA,
    width: WHOLE_ROW,
    height: HEIGHT,
  })

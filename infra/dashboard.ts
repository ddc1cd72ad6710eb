import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
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
Requests → ingest → event stream → states → windows → documents and raw events in OpenSearch; event stream → archive → reports.
The graphs follow the events in this order; then come reads, what was put aside, and what the bill follows. Counts are of five minutes.
**An alarm is red?** Its name without \`${stackName(stage)}\` is a heading of \`docs/runbook.md\`: what it means, where to look, what mends it.`

/** The alarms of all parts, and their graphs in the order events flow, on one page. */
export const dashboard = (
  scope: Construct,
  parts: readonly Monitored[],
  { stage, alarms }: { readonly stage: string; readonly alarms: readonly Alarm[] },
): Dashboard =>
  new Dashboard(scope, 'Dashboard', {
    dashboardName: stackName(stage),
    widgets: [
      [new TextWidget({ markdown: legend(stage), width: WHOLE_ROW, height: 4 })],
      [new AlarmStatusWidget({ title: 'Is anything wrong?', alarms: [...alarms], width: WHOLE_ROW, height: HEIGHT })],
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

import type { Template } from 'aws-cdk-lib/assertions'
import { plain, resource } from './infra-templates.ts'

/** A widget as CloudWatch gets it; a metric is its namespace, its name, names and values of its dimensions, and how it is shown. */
export interface Widget {
  readonly type: 'text' | 'alarm' | 'metric' | 'log'
  readonly width: number
  readonly height: number
  readonly x: number
  readonly y: number
  readonly properties: {
    readonly title?: string
    readonly metrics?: readonly (readonly unknown[])[]
    readonly yAxis?: { readonly left?: { readonly label?: string } }
    readonly alarms?: readonly string[]
    readonly query?: string
  }
}

export function widgetsOf(template: Template): readonly Widget[] {
  const { DashboardBody } = resource(template, 'AWS::CloudWatch::Dashboard').Properties
  return (JSON.parse(plain(DashboardBody)) as { widgets: Widget[] }).widgets
}

/** The metrics that are shown or that expressions are made of. */
export const metricsOf = (widgets: readonly Widget[]): { namespace: string; name: string; dimensions: string[] }[] =>
  widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .map(metric => metric.filter(part => typeof part === 'string'))
    .filter(metric => metric.length > 0)
    .map(([namespace = '', name = '', ...dimensions]) => ({ namespace, name, dimensions }))

/** The product's own metrics that are shown, as `service name`. */
export const ownMetricsOf = (widgets: readonly Widget[]): Set<string> =>
  new Set(
    metricsOf(widgets)
      .filter(({ namespace }) => namespace === '<AWS::StackName>')
      .map(({ name, dimensions }) => `${dimensions[1]} ${name}`),
  )

import { readFileSync } from 'node:fs'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { type Settings, settingsFor } from '../infra/settings.ts'
import { MillraceStack } from '../infra/stack.ts'
import { eventTypes } from '../shared/catalogue.ts'

// The constructs' own validation runs in `cdk synth`; here it would only write its report to the console.
process.env['CDK_VALIDATION'] = 'false'

const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> }

/** A stack of the stage as `cdk synth` builds it, but without bundling the functions. */
export function stackOf(stage: string, change: Partial<ConstructorParameters<typeof MillraceStack>[1]> = {}): MillraceStack {
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false })
  return new MillraceStack(app, { stage, settings: settingsFor(stage), eventTypes, ...change })
}

const templates = new Map<string, Template>()

/** The template of a stage; made once. */
export function templateOf(stage: string): Template {
  const known = templates.get(stage)
  if (known) return known
  const template = Template.fromStack(stackOf(stage))
  templates.set(stage, template)
  return template
}

/** The template of a stage with some of its dials turned. */
export const templateWith = (stage: string, dials: Partial<Settings>): Template =>
  Template.fromStack(stackOf(stage, { settings: { ...settingsFor(stage), ...dials } }))

export interface Resource {
  readonly id: string
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types
  readonly Properties: any
  readonly DeletionPolicy?: string
  readonly DependsOn?: readonly string[]
}

/** The resources of a type, by logical id without the hash at its end. */
export const resources = (template: Template, type: string): readonly Resource[] =>
  Object.entries(template.findResources(type)).map(([id, resource]) => ({ ...(resource as Resource), id: plainId(id) }))

/** The only resource of a type whose id begins so. */
export function resource(template: Template, type: string, beginning = ''): Resource {
  const [found, ...more] = resources(template, type).filter(({ id }) => id.startsWith(beginning))
  if (!found || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} resources are ${type} ${beginning}`)
  return found
}

export const plainId = (id: string): string => id.replace(/[0-9A-F]{8}$/, '')

/** A value of a template as text: references as `<Id.Attribute>`. */
export function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[intrinsic, inner] = ['', undefined]] = Object.entries(value)
  if (intrinsic === 'Fn::Join') return (inner as [string, unknown[]])[1].map(plain).join((inner as [string, unknown[]])[0])
  if (intrinsic === 'Fn::GetAtt') return `<${plainId((inner as [string, string])[0])}.${(inner as [string, string])[1]}>`
  if (intrinsic === 'Ref') return `<${plainId(inner as string)}>`
  return JSON.stringify(value)
}

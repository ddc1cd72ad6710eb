import { templateOf } from '../fixtures/infra-templates.ts'
import { namesOf, withoutHash } from './names.ts'
import type { Policy, Resolve } from './policy.ts'
import { policiesOf } from './template-policies.ts'

interface Resource {
  /** The logical id. */
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types
  readonly properties: any
}

/** A deployed stage, as far as rights are concerned. */
export interface Stage {
  readonly policies: readonly Policy[]
  readonly resolve: Resolve
  ofType(type: string): readonly Resource[]
  /** The ARN of a resource, by its logical id with or without the hash. */
  arn(id: string): string
  /** The ARN of the role of a function. */
  roleOf(functionId: string): string
  /** A text in which `<Id>` and `<Id.Attribute>` are references. */
  fill(text: string): string
}

/** The stage with the template of `stage`, and with `name` in all names. */
export function stageOf(stage: string, name = stage): Stage {
  const template = templateOf(stage)
  const resolve = namesOf(template, name)
  const found = Object.entries(
    (template.toJSON() as { Resources: Record<string, { Type: string; Properties?: unknown }> }).Resources,
  )
  const ids = new Map(found.flatMap(([id]) => [[id, id] as const, [withoutHash(id), id] as const]))
  const idOf = (id: string): string => {
    const full = ids.get(id)
    if (full) return full
    throw new Error(`The template has no resource ${id}.`)
  }
  const arn = (id: string): string => resolve({ 'Fn::GetAtt': [idOf(id), 'Arn'] })
  const functions = new Map(found.map(([id, { Properties }]) => [id, (Properties as { Role?: unknown } | undefined)?.Role]))
  return {
    policies: policiesOf(template, resolve),
    resolve,
    ofType: type =>
      found.filter(([, { Type }]) => Type === type).map(([id, { Properties }]) => ({ id, properties: Properties ?? {} })),
    arn,
    roleOf: id => resolve(functions.get(idOf(id))),
    fill: text =>
      text.replace(/<(\w+)(?:\.(\w+))?>/g, (_, id, attribute) =>
        resolve(attribute ? { 'Fn::GetAtt': [idOf(id), attribute] } : { Ref: idOf(id) }),
      ),
  }
}

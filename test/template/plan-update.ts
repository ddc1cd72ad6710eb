/** A template, as far as an update of its stack depends on it. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>
}

interface TemplateResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}

/** The properties of a type that CloudFormation cannot change: it creates a new resource. As paths: `KeySchema`, `TableInput/Name`. */
export type CreateOnly = (type: string) => readonly string[]

/** Types whose replacement loses data, a position in a stream, subscriptions, or the address of the API. */
const LASTING = [
  'AWS::ApiGatewayV2::Api',
  'AWS::DynamoDB::Table',
  'AWS::Glue::Database',
  'AWS::Glue::Table',
  'AWS::Kinesis::Stream',
  'AWS::KinesisFirehose::DeliveryStream',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Logs::LogGroup',
  'AWS::OpenSearchService::Domain',
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
]

export const isLasting = ({ Type }: TemplateResource): boolean => LASTING.includes(Type)

/** What an update from one template to another would delete or replace, as sentences. Empty: nothing that lasts. */
export function updateProblems(before: Template, after: Template, createOnly: CreateOnly): string[] {
  const replaced = replacements(before, after, createOnly)
  return Object.entries(before.Resources)
    .filter(([, resource]) => isLasting(resource))
    .flatMap(([id, { Type }]) => {
      const today = after.Resources[id]
      if (!today) return [`${Type} ${id} is gone: the update deletes it, or replaces it under another logical id.`]
      if (today.Type !== Type) return [`${id} was a ${Type} and is a ${today.Type}.`]
      const reason = replaced.get(id)
      return reason === undefined ? [] : [`${Type} ${id} is replaced: ${reason}.`]
    })
}

/** Why each replaced resource is replaced, by logical id: also because a property that cannot change refers to a replaced one. */
function replacements(before: Template, after: Template, createOnly: CreateOnly): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>()
  let known: number
  do {
    known = reasons.size
    for (const [id, resource] of Object.entries(before.Resources)) {
      const today = after.Resources[id]
      if (!today || reasons.has(id)) continue
      for (const path of createOnly(resource.Type)) {
        const [was, is] = [valueAt(resource, path), valueAt(today, path)]
        const isChanged = JSON.stringify(was) !== JSON.stringify(is)
        const source = referencesIn(is).find(each => reasons.has(each))
        if (isChanged) reasons.set(id, `${path} changed`)
        else if (source) reasons.set(id, `${path} refers to ${source}, which is replaced`)
      }
    }
  } while (reasons.size > known)
  return reasons
}

const valueAt = ({ Properties }: TemplateResource, path: string): unknown =>
  path.split('/').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], Properties)

/** The logical ids that a value refers to. */
function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [String(inner)]
    if (key === 'Fn::GetAtt') return [String((inner as unknown[])[0])]
    return referencesIn(inner)
  })
}

import { Template } from 'aws-cdk-lib/assertions'
import { searchRights } from '../../infra/search-rights.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import { plain, type Resource, resources, stackOf } from '../fixtures/infra-templates.ts'
import { namesOf } from '../rights/names.ts'

// IAM refuses a role whose inline policies have more characters together, a managed policy with more, and more managed policies of a
// role. White space does not count. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const MAX_INLINE = 10_240
const MAX_MANAGED = 6_144
const MAX_MANAGED_POLICIES = 10

const COUNT = 20
const longName = (n: number, separator: string): string =>
  ['a', 'rather', 'long', 'name', 'of', 'forty', 'letters', n + 10].join(separator)
const renamed = <T extends { readonly name: string }>(all: readonly T[], separator: string): T[] =>
  Array.from({ length: COUNT }, (_, n) => ({ ...(all[n % all.length] as T), name: longName(n, separator) }))

const many = { projections: renamed<Projection>(projections, '-'), eventTypes: renamed<EventType>(eventTypes, '_') }

interface Rights {
  inline: number
  readonly managed: number[]
  readonly statements: { Action: string | string[]; Resource: unknown }[]
  readonly inManaged: Set<string>
}

/** What each role may do, with the characters of its policies as CloudFormation creates them. */
function rightsOf(template: Template, stage: string): Map<string, Rights> {
  const resolve = namesOf(template, stage)
  const filled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(filled)
    if (typeof value !== 'object' || value === null) return value
    const [first = ''] = Object.keys(value)
    if (first === 'Ref' || first.startsWith('Fn::')) return resolve(value)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]))
  }
  const charactersOf = (document: unknown): number => JSON.stringify(filled(document)).length
  const roles = new Map<string, Rights>()
  const at = (role: string): Rights => {
    const rights = roles.get(role) ?? { inline: 0, managed: [], statements: [], inManaged: new Set<string>() }
    roles.set(role, rights)
    return rights
  }
  const attached = (policy: Resource): Rights[] => policy.Properties.Roles.map((role: unknown) => at(plain(role).slice(1, -1)))
  for (const { id, Properties } of resources(template, 'AWS::IAM::Role'))
    for (const { PolicyDocument } of Properties.Policies ?? []) at(id).inline += charactersOf(PolicyDocument)
  for (const policy of resources(template, 'AWS::IAM::Policy'))
    for (const rights of attached(policy)) {
      rights.inline += charactersOf(policy.Properties.PolicyDocument)
      rights.statements.push(...policy.Properties.PolicyDocument.Statement)
    }
  for (const policy of resources(template, 'AWS::IAM::ManagedPolicy'))
    for (const rights of attached(policy)) {
      rights.managed.push(charactersOf(policy.Properties.PolicyDocument))
      rights.statements.push(...policy.Properties.PolicyDocument.Statement)
      for (const { Action } of policy.Properties.PolicyDocument.Statement)
        for (const action of [Action].flat()) rights.inManaged.add(action)
    }
  return roles
}

describe.each(['dev', 'prod'])('stage %s with 20 projections and 20 event types', stage => {
  const roles = rightsOf(Template.fromStack(stackOf(stage, many)), stage)

  test('IAM accepts the policies of every role', () => {
    expect(roles.size).toBeGreaterThan(10)
    const refused = [...roles].filter(
      ([, { inline, managed }]) =>
        inline > MAX_INLINE || managed.length > MAX_MANAGED_POLICIES || managed.some(characters => characters > MAX_MANAGED),
    )
    expect(refused).toEqual([])
  })

  test('what does not fit into inline policies is in managed ones, and no right is lost', () => {
    const { managed, statements, inManaged } = roles.get('SearchIndexDocumentsRole') as Rights
    expect(managed.length).toBeGreaterThan(0)
    const allowed = new Set(statements.flatMap(({ Resource }) => [Resource].flat().map(plain)))
    const needed = searchRights(many.projections)['index-documents'].flatMap(({ paths }) => paths)
    expect(needed.length).toBeGreaterThan(4 * COUNT)
    expect(needed.filter(path => !allowed.has(`<SearchDomain.Arn>/${path}`))).toEqual([])
    // A mapping is created after the inline policy of its function, and needs the right to read then.
    expect([...inManaged].filter(action => !action.startsWith('es:'))).toEqual([])
  })
})

/** A statement whose values are texts. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  /** Undefined in a trust policy: it is about its role. */
  readonly resources: readonly string[] | undefined
  /** Undefined in a policy of a role. */
  readonly principals: readonly Principal[] | undefined
  readonly conditions: readonly Condition[]
}

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

export interface Principal {
  readonly kind: 'AWS' | 'Service'
  /** An ARN, a service, or `*`. */
  readonly name: string
}

/** Rights of one role, or on one resource. */
export interface Policy {
  /** The logical id of what it is attached to. */
  readonly id: string
  /** The role that has the rights; undefined for a policy of a resource. */
  readonly role: string | undefined
  /** The ARNs of the resource and, with wildcards, of its parts; empty for a policy of a role. */
  readonly resources: readonly string[]
  readonly statements: readonly Statement[]
}

/** Makes a text of a value of a template. */
export type Resolve = (value: unknown) => string

const ELEMENTS = ['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition']

const listOf = (value: unknown): unknown[] => [value].flat()

/** Reads a statement of a template. Throws on an element that is not known here. */
export function readStatement(statement: Readonly<Record<string, unknown>>, resolve: Resolve): Statement {
  const strange = Object.keys(statement).filter(name => !ELEMENTS.includes(name))
  if (strange.length > 0) throw new Error(`Evaluation of policies does not know ${strange.join()}. Add it to test/rights.`)
  const { Effect, Action, Resource, Principal, Condition = {} } = statement
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new Error(`A statement has the effect ${Effect}.`)
  return {
    effect: Effect,
    actions: listOf(Action).map(resolve),
    resources: Resource === undefined ? undefined : listOf(Resource).map(resolve),
    principals: Principal === undefined ? undefined : readPrincipals(Principal, resolve),
    conditions: Object.entries(Condition as Record<string, Record<string, unknown>>).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, value]) => ({ operator, key, values: listOf(value).map(resolve) })),
    ),
  }
}

function readPrincipals(principal: unknown, resolve: Resolve): Principal[] {
  if (principal === '*') return [{ kind: 'AWS', name: '*' }]
  return Object.entries(principal as Record<string, unknown>).flatMap(([kind, names]) => {
    if (kind !== 'AWS' && kind !== 'Service') throw new Error(`Evaluation of policies does not know the principal ${kind}.`)
    return listOf(names).map(name => ({ kind, name: resolve(name) }))
  })
}

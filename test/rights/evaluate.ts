import { type KnownAction, knownActions } from './known-actions.ts'
import type { Condition, Policy, Principal, Statement } from './policy.ts'

/** Who calls: a role by its ARN, or a service of AWS. */
type Caller = { readonly role: string } | { readonly service: string }

/** What the conditions of a policy may ask about a call. `undefined`: the call has no such value. */
type Context = Readonly<Record<string, string | undefined>>

export interface Call {
  readonly caller: Caller
  readonly action: string
  /** An ARN, or `*` for an action that has no resource. */
  readonly resource: string
  readonly context: Context
}

/** Keys that every action knows. */
const GLOBAL_KEYS = ['aws:SecureTransport', 'aws:SourceAccount', 'aws:SourceArn']

/**
 * Whether IAM allows a call, by the rules for callers and resources of one account: no policy may deny it, and the policy of the role
 * or that of the resource must allow it. A caller of another account needs the policy of the resource. Throws on what it does
 * not know.
 */
export function isAllowed(call: Call, policies: readonly Policy[]): boolean {
  const known = knownActions[call.action]
  if (!known || !fits(call.resource, known)) return false
  const matching = policies
    .filter(policy => concerns(policy, call))
    .flatMap(({ statements }) => statements)
    .filter(statement => matches(statement, call, known.conditionKeys))
  if (matching.some(({ effect }) => effect === 'Deny')) return false
  return matching.some(({ principals }) => principals === undefined || principals.some(each => names(each, call.caller)))
}

/** Whether the resource is of a kind that the action knows. An action without resources has `*`. */
const fits = (resource: string, { resources }: KnownAction): boolean =>
  resources.length === 0 ? resource === '*' : resources.some(kind => kind.test(resource))

/** Whether a policy has a say in a call: it is the policy of the caller's role, or of the resource. */
export function concerns({ role, resources }: Policy, { caller, resource }: Call): boolean {
  if (role !== undefined) return 'role' in caller && caller.role === role
  return resources.some(pattern => like(resource, pattern))
}

function matches(statement: Statement, call: Call, keys: readonly string[]): boolean {
  const { effect, actions: patterns, resources, principals, conditions } = statement
  return (
    patterns.some(pattern => like(call.action.toLowerCase(), pattern.toLowerCase())) &&
    (resources === undefined || resources.some(pattern => like(call.resource, pattern))) &&
    (principals === undefined || principals.some(each => includes(each, call.caller))) &&
    conditions.every(condition => holds(condition, call, keys) ?? effect === 'Deny')
  )
}

/** Whether a statement is about the caller. The root of an account stands for everybody in it. */
const includes = (principal: Principal, caller: Caller): boolean =>
  names(principal, caller) || ('role' in caller && principal.name === rootOf(caller.role))

/** Whether an Allow for the principal suffices by itself. The root of an account only passes the decision on to the policies of roles. */
function names({ kind, name }: Principal, caller: Caller): boolean {
  if (name === '*') return true
  return 'role' in caller ? kind === 'AWS' && name === caller.role : kind === 'Service' && name === caller.service
}

const rootOf = (role: string): string => role.replace(/:role\/.*$/, ':root')

/** Whether a condition holds; undefined if the action does not know its key. */
function holds({ operator, key, values }: Condition, { action, context }: Call, keys: readonly string[]): boolean | undefined {
  if (!keys.includes(key) && !GLOBAL_KEYS.includes(key)) return undefined
  if (!(key in context)) throw new Error(`The call of ${action} does not say its ${key}. Add it in test/rights.`)
  const value = context[key]
  const compare = operators[operator]
  if (!compare)
    throw new Error(`Evaluation of policies does not know the operator ${operator}. Add it to test/rights/evaluate.ts.`)
  return value !== undefined && values.some(wanted => compare(value, wanted))
}

const arnLike = (value: string, pattern: string): boolean => {
  const [parts, wanted] = [arnParts(value), arnParts(pattern)]
  return parts.length === wanted.length && parts.every((part, i) => like(part, wanted[i] ?? ''))
}

/** The six parts of an ARN; the last one may contain colons. */
const arnParts = (arn: string): string[] => {
  const parts = arn.split(':')
  return [...parts.slice(0, 5), parts.slice(5).join(':')]
}

const operators: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringLike: (value, wanted) => like(value, wanted),
  ArnLike: arnLike,
  ArnEquals: arnLike, // IAM treats both alike
  Bool: (value, wanted) => value === wanted.toLowerCase(),
}

const patterns = new Map<string, RegExp>()

/** Whether a text matches a pattern with the wildcards of IAM. Throws on a policy variable. */
function like(text: string, pattern: string): boolean {
  if (pattern === '*' || pattern === text) return true
  if (!/[*?]/.test(pattern)) return requireNoVariable(pattern)
  const compiled = patterns.get(pattern) ?? compile(pattern)
  return compiled.test(text)
}

function compile(pattern: string): RegExp {
  requireNoVariable(pattern)
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  const compiled = new RegExp(`^${source}$`, 's')
  patterns.set(pattern, compiled)
  return compiled
}

function requireNoVariable(pattern: string): false {
  if (pattern.includes('${')) throw new Error(`Evaluation of policies does not know the variable in ${pattern}.`)
  return false
}

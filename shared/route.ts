import type { FunctionName } from './environment.ts'
import type { Scope } from './keys.ts'

type Method = 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'ANY'

/**
 * A route's key, as API Gateway writes it: method and path. In a path, `{name}` is one segment and `{name+}` the rest of the
 * path. API Gateway decodes %2F before it matches a route, and leaves only %25 as it is.
 */
export type RouteKey = `${Method} /${string}`

export interface RouteFacts {
  /** The scope that the key must have; null if no key is needed. An admin key may call every route. */
  readonly scope: Scope | null
  readonly about: string
}

export type RouteTable = Readonly<Record<RouteKey, RouteFacts>>

export interface Route<Key extends RouteKey = RouteKey> extends RouteFacts {
  readonly key: Key
  readonly method: Method
  readonly path: string
  readonly function: FunctionName
}

/** The entries of a table with the type of its keys, which Object.entries widens to string. */
export const entriesOf = <Key extends string, Value>(table: Readonly<Record<Key, Value>>): [Key, Value][] =>
  Object.entries(table) as [Key, Value][]

/** The routes of a table, in its order. */
export const routesOf = <Key extends RouteKey>(table: Readonly<Record<Key, RouteFacts>>, service: FunctionName): Route<Key>[] =>
  entriesOf(table).map(([key, { scope, about }]) => {
    const [method, path = ''] = key.split(' ')
    // A RouteKey begins with a method.
    return { key, method: method as Method, path, scope, about, function: service }
  })

/** A route and the values of the parameters in its path. */
export interface RouteMatch<R> {
  readonly route: R
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The route for a request. Of several that match, the most specific one, as in API Gateway: literal segments before parameters,
 * one segment before the rest of the path, the longest literal path before it, a method before ANY. Unlike API Gateway, ignores a
 * slash at the end of the path, except in a parameter that is the rest of the path, and serves HEAD like GET. Undefined if no
 * route matches.
 */
export function matchRoute<R extends Pick<Route, 'method' | 'path'>>(
  routes: readonly R[],
  method: string,
  path: string,
): RouteMatch<R> | undefined {
  const given: GivenPath = { whole: path.split('/'), trimmed: withoutTrailingSlash(path).split('/') }
  const matches = routes
    .filter(route => route.method === (method === 'HEAD' ? 'GET' : method) || route.method === 'ANY')
    .flatMap(route => {
      const parameters = matchPath(segmentsOf(route.path), given)
      return parameters ? [{ route, parameters }] : []
    })
  return matches.sort((a, b) => generality(a.route) - generality(b.route))[0]
}

/** The segments of the path of a request, with and without a slash at its end. */
interface GivenPath {
  readonly whole: readonly string[]
  readonly trimmed: readonly string[]
}

/** A segment of a template: a literal, or a parameter, which may be the rest of the path. */
interface Segment {
  readonly text: string
  readonly parameter: string | undefined
  readonly isRest: boolean
}

const PARAMETER = /^\{(\w+)(\+?)\}$/
const templates = new Map<string, readonly Segment[]>()

function segmentsOf(template: string): readonly Segment[] {
  const known = templates.get(template)
  if (known) return known
  const segments = template.split('/').map(text => {
    const [, parameter, rest] = PARAMETER.exec(text) ?? []
    return { text, parameter, isRest: rest === '+' }
  })
  templates.set(template, segments)
  return segments
}

/** The values of the template's parameters. Undefined if the path does not match. */
function matchPath(wanted: readonly Segment[], { whole, trimmed }: GivenPath): Record<string, string> | undefined {
  const isGreedy = wanted.at(-1)?.isRest === true
  const given = isGreedy ? whole : trimmed
  if (isGreedy ? given.length < wanted.length : given.length !== wanted.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [at, { text, parameter, isRest }] of wanted.entries()) {
    const value = isRest ? given.slice(at).join('/') : given[at]
    if (parameter === undefined ? value !== text : !isRest && value === '') return undefined
    if (parameter !== undefined) parameters[parameter] = value ?? ''
  }
  return parameters
}

export const withoutTrailingSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/** Greater for a route that matches more requests. */
const generality = ({ method, path }: Pick<Route, 'method' | 'path'>): number =>
  (path.endsWith('+}') ? 1000 - 20 * path.split('/').length : 0) + 10 * (path.split('{').length - 1) + (method === 'ANY' ? 1 : 0)

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
  const matches = routes
    .filter(route => route.method === (method === 'HEAD' ? 'GET' : method) || route.method === 'ANY')
    .flatMap(route => {
      const parameters = matchPath(route.path, path)
      return parameters ? [{ route, parameters }] : []
    })
  return matches.sort((a, b) => generality(a.route) - generality(b.route))[0]
}

const PARAMETER = /^\{(\w+)(\+?)\}$/

/** The values of the template's parameters. Undefined if the path does not match. */
function matchPath(template: string, path: string): Record<string, string> | undefined {
  const isGreedy = template.endsWith('+}')
  const given = (isGreedy ? path : withoutTrailingSlash(path)).split('/')
  const wanted = template.split('/')
  if (isGreedy ? given.length < wanted.length : given.length !== wanted.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [at, segment] of wanted.entries()) {
    const [, name, rest] = PARAMETER.exec(segment) ?? []
    const value = rest ? given.slice(at).join('/') : given[at]
    if (name === undefined ? value !== segment : !rest && value === '') return undefined
    if (name !== undefined) parameters[name] = value ?? ''
  }
  return parameters
}

export const withoutTrailingSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/** Greater for a route that matches more requests. */
const generality = ({ method, path }: Pick<Route, 'method' | 'path'>): number =>
  (path.endsWith('+}') ? 1000 - 20 * path.split('/').length : 0) + 10 * (path.split('{').length - 1) + (method === 'ANY' ? 1 : 0)

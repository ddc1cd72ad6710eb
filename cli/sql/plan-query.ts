import type { ArrivalDays } from '../../lambdas/archive/list-events.ts'
import { parseDay } from '../../shared/time.ts'
import { UserError } from '../../shared/user-error.ts'
import { positionIn } from './sql-error.ts'

/** A node of a syntax tree, as DuckDB's `json_serialize_sql` writes it. */
export type SyntaxNode = Readonly<Record<string, unknown>>

export interface QueryPlan {
  /** Whether the query reads the archive. */
  readonly reads: boolean
  /** The days of arrival that it reads. */
  readonly days: ArrivalDays
  /** The event types that it reads; undefined if it may read events of any type. */
  readonly types?: ReadonlySet<string>
}

/** The names that read events, in lower case, each with the type of these events; undefined if it may be any. */
export type Views = ReadonlyMap<string, string | undefined>

/**
 * Table functions that read nothing but their arguments. All others are refused: some read files or run SQL that this plan does not see,
 * and `enable_logging` ends the process.
 */
const TABLE_FUNCTIONS = ['unnest', 'range', 'generate_series', 'json_each', 'json_tree', 'repeat', 'repeat_row']

/**
 * Which days of the archive, and which event types, a statement reads. Only a SELECT from one view alone can bound them: by comparisons of its `dt` with a day, if
 * these are its WHERE, or parts of it that are joined by AND. Whatever else reads a view reads every day. Throws a UserError for a table function that is not available.
 */
export function planQuery(statement: SyntaxNode, views: Views, sql: string): QueryPlan {
  const nodes = [...nodesIn(statement)]
  for (const { type, function: called } of nodes) if (type === 'TABLE_FUNCTION') checkTableFunction(called as SyntaxNode, sql)
  const isRead = (node: unknown): node is SyntaxNode => isView(node, views)
  const all = nodes.filter(isRead)
  if (nodes.some(({ cte_map }) => cteNames(cte_map).some(name => views.has(name)))) return { reads: true, days: {} }
  const alone = nodes.filter(node => node['type'] === 'SELECT_NODE' && isRead(node['from_table']))
  const bounds = alone.map(node => boundsOf(node['where_clause'], node['from_table'] as SyntaxNode))
  const days = all.length > alone.length ? {} : bounds.reduce<ArrivalDays | undefined>(hull, undefined)
  const types = all.map(({ table_name }) => views.get(lower(table_name)))
  const known = types.filter(type => type !== undefined)
  return { reads: all.length > 0, days: days ?? {}, ...(known.length === types.length && { types: new Set(known) }) }
}

/** All nodes of a tree, except those below a DESCRIBE, which reads no rows. */
function* nodesIn(tree: unknown): Generator<SyntaxNode> {
  const left = [tree]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const node = value as SyntaxNode
    if (node['show_type'] === 'DESCRIBE') continue
    yield node
    for (const child of Object.values(node)) left.push(child)
  }
}

const lower = (text: unknown): string => String(text ?? '').toLowerCase()

const isView = (node: unknown, views: Views): boolean => {
  const { type, table_name } = (node ?? {}) as SyntaxNode
  return type === 'BASE_TABLE' && views.has(lower(table_name))
}

const cteNames = (map: unknown): string[] =>
  ((map as { readonly map?: readonly { readonly key: string }[] } | undefined)?.map ?? []).map(({ key }) => lower(key))

function checkTableFunction({ function_name, query_location }: SyntaxNode, sql: string): void {
  if (TABLE_FUNCTIONS.includes(lower(function_name))) return
  throw new UserError(
    `${positionIn(sql, Number(query_location), 'bytes')}: the table function ${function_name} is not available. A query reads the views only; list them with \`millrace sql "SHOW TABLES"\`.`,
  )
}

/** The days that contain those of both. */
const hull = (a: ArrivalDays | undefined, b: ArrivalDays): ArrivalDays =>
  a ? daysBetween(a.from && b.from && least(a.from, b.from), a.to && b.to && greatest(a.to, b.to)) : b

/** The days that are in both. */
export const common = (a: ArrivalDays, b: ArrivalDays): ArrivalDays =>
  daysBetween(a.from && b.from ? greatest(a.from, b.from) : (a.from ?? b.from), a.to && b.to ? least(a.to, b.to) : (a.to ?? b.to))

const least = (a: string, b: string): string => (a < b ? a : b)
const greatest = (a: string, b: string): string => (a > b ? a : b)

const daysBetween = (from: string | undefined, to: string | undefined): ArrivalDays => ({
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
})

/** The days that a condition leaves of a view. */
function boundsOf(condition: unknown, view: SyntaxNode): ArrivalDays {
  const { sample, column_name_alias: renamed } = view
  if (sample !== null || (renamed as readonly unknown[]).length > 0) return {}
  return conjunctsOf(condition)
    .map(each => comparedDays(each, view))
    .reduce(common, {})
}

function conjunctsOf(condition: unknown): SyntaxNode[] {
  const node = (condition ?? {}) as SyntaxNode
  return node['type'] === 'CONJUNCTION_AND' ? (node['children'] as unknown[]).flatMap(conjunctsOf) : [node]
}

const FLIPPED: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: 'COMPARE_EQUAL',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
}

/** The days for which a comparison of `dt` with a day can be true; any day for everything else. */
function comparedDays(node: SyntaxNode, view: SyntaxNode): ArrivalDays {
  const { class: kind, type, left, right, input, lower: first, upper } = node
  if (kind === 'BETWEEN' && type === 'COMPARE_BETWEEN' && isDt(input, view)) return daysBetween(dayOf(first), dayOf(upper))
  if (kind !== 'COMPARISON') return {}
  if (isDt(left, view)) return daysOf(String(type), dayOf(right))
  return isDt(right, view) ? daysOf(FLIPPED[String(type)], dayOf(left)) : {}
}

function daysOf(comparison: string | undefined, day: string | undefined): ArrivalDays {
  if (day === undefined) return {}
  if (comparison === 'COMPARE_EQUAL') return { from: day, to: day }
  if (comparison === 'COMPARE_GREATERTHANOREQUALTO') return { from: day }
  if (comparison === 'COMPARE_GREATERTHAN') return { from: neighbour(day, 1) }
  if (comparison === 'COMPARE_LESSTHANOREQUALTO') return { to: day }
  return comparison === 'COMPARE_LESSTHAN' ? { to: neighbour(day, -1) } : {}
}

/** Days of four digits sort like their dates. Outside the years 0001 to 9999, no day of arrival is affected. */
function neighbour(day: string, step: 1 | -1): string {
  const date = new Date(day)
  date.setUTCDate(date.getUTCDate() + step)
  const text = date.toISOString().slice(0, 10)
  return parseDay(text) === undefined ? day : text
}

/** Whether an expression is the column `dt` of the view. */
function isDt(expression: unknown, { alias, table_name }: SyntaxNode): boolean {
  const { type, column_names } = (expression ?? {}) as SyntaxNode
  if (type !== 'COLUMN_REF') return false
  const [column, qualifier, ...rest] = (column_names as readonly string[]).toReversed().map(lower)
  return column === 'dt' && rest.length === 0 && (qualifier === undefined || qualifier === lower(alias || table_name))
}

/** The day of a literal such as `'2026-01-31'` or `DATE '2026-01-31'`; undefined for any other expression. */
function dayOf(expression: unknown): string | undefined {
  const { type, cast_type, child, value } = (expression ?? {}) as SyntaxNode
  if (type === 'OPERATOR_CAST') return (cast_type as SyntaxNode)['id'] === 'DATE' ? dayOf(child) : undefined
  if (type !== 'VALUE_CONSTANT') return undefined
  const text = (value as SyntaxNode)['value']
  return typeof text === 'string' && parseDay(text) !== undefined ? text : undefined
}

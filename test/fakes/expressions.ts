import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Attributes } from '../../lambdas/dynamodb.ts'

/** Names and values of the placeholders of an expression. */
export interface Placeholders {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined
  readonly ExpressionAttributeValues?: Attributes | undefined
}

/** Whether an item meets a condition of comparisons, attribute_exists, attribute_not_exists, AND, OR and parentheses. */
export function meets(condition: string | undefined, item: Attributes | undefined, placeholders: Placeholders): boolean {
  if (condition === undefined) return true
  const tokens = condition.match(/attribute_(?:not_)?exists\([#\w]+\)|<>|<=|[=<>()]|[#:\w]+/g) ?? []
  let at = 0
  const all = (): boolean => {
    let isMet = one()
    while (tokens[at] === 'AND') {
      at += 1
      isMet = one() && isMet
    }
    return isMet
  }
  const any = (): boolean => {
    let isMet = all()
    while (tokens[at] === 'OR') {
      at += 1
      isMet = all() || isMet
    }
    return isMet
  }
  const one = (): boolean => {
    const token = tokens[at++] ?? ''
    if (token === '(') {
      const isMet = any()
      at += 1
      return isMet
    }
    const [, not, path] = /^attribute_(not_)?exists\((.+)\)$/.exec(token) ?? []
    if (path) return (item?.[nameOf(path, placeholders)] === undefined) === (not !== undefined)
    const operator = tokens[at++] ?? ''
    return compare(item?.[nameOf(token, placeholders)], operator, placeholders.ExpressionAttributeValues?.[tokens[at++] ?? ''])
  }
  const isMet = any()
  if (at !== tokens.length) throw new Error(`The fake does not understand the condition ${condition}.`)
  return isMet
}

const nameOf = (path: string, { ExpressionAttributeNames: names = {} }: Placeholders): string =>
  path.startsWith('#') ? (names[path] ?? '') : path

function compare(a: AttributeValue | undefined, operator: string, b: AttributeValue | undefined): boolean {
  const isEqual = a !== undefined && JSON.stringify(a) === JSON.stringify(b)
  if (operator === '=') return isEqual
  if (operator === '<>') return a !== undefined && !isEqual
  if (operator === '<') return Number(a?.N) < Number(b?.N)
  const isGreater = Number(a?.N) > Number(b?.N)
  if (operator === '>') return isGreater
  if (operator === '<=') return a !== undefined && !isGreater
  throw new Error(`The fake does not know the comparison ${operator}.`)
}

/** The item after an update of SET (with if_not_exists), REMOVE and ADD of a number. */
export function updated(expression: string, item: Attributes, placeholders: Placeholders): Attributes {
  const result: Attributes = { ...item }
  const values = placeholders.ExpressionAttributeValues ?? {}
  for (const [, clause = '', text = ''] of expression.matchAll(/(SET|REMOVE|ADD) (.+?)(?= SET | REMOVE | ADD |$)/g))
    for (const action of text.split(/, (?![^(]*\))/)) {
      const [path = '', ...rest] = action.split(clause === 'SET' ? ' = ' : ' ')
      const name = nameOf(path, placeholders)
      const value = values[/:\w+/.exec(rest.join(' '))?.[0] ?? '']
      if (clause === 'REMOVE') delete result[name]
      else if (value === undefined) throw new Error(`The fake does not understand the update ${expression}.`)
      else if (clause === 'ADD') result[name] = { N: String(Number(item[name]?.N ?? 0) + Number(value.N)) }
      else if (!rest.join(' ').startsWith('if_not_exists') || item[name] === undefined) result[name] = value
    }
  return result
}

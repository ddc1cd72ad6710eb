import type * as z from 'zod/mini'

interface Definition {
  readonly type: string
  readonly format?: string
  readonly innerType?: z.ZodMiniType
  readonly element?: z.ZodMiniType
  readonly valueType?: z.ZodMiniType
  readonly shape?: Readonly<Record<string, z.ZodMiniType>>
}

/** The shape of a document in the notation of TypeScript, with the types `integer` and `datetime`. */
export function shapeText(schema: z.ZodMiniType): string {
  const { type, format, innerType, element, valueType, shape } = schema._zod.def as unknown as Definition
  if (shape) return `{ ${Object.entries(shape).map(fieldText).sort().join(', ')} }`
  if (element) return `${inParentheses(shapeText(element))}[]`
  if (valueType) return `{ [name: string]: ${shapeText(valueType)} }`
  if (type === 'nullable' && innerType) return `${shapeText(innerType)} | null`
  if (innerType) return shapeText(innerType)
  if (type === 'number' && format === 'safeint') return 'integer'
  return type === 'string' && format !== undefined ? format : type
}

const fieldText = ([name, schema]: [string, z.ZodMiniType]): string =>
  `${name}${schema._zod.def.type === 'optional' ? '?' : ''}: ${shapeText(schema)}`

const inParentheses = (text: string): string => (text.includes(' | ') ? `(${text})` : text)

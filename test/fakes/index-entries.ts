/** Entries of an index in memory, by index and id. */
type Entries = ReadonlyMap<string, { readonly document: Readonly<Record<string, unknown>> | undefined }>

const WINDOW = /(?:#|^)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/

/** The start of the window that an entry is of, in milliseconds since 1970; NaN if it has none. */
export const windowOf = (key: string): number => Date.parse(WINDOW.exec(key.slice(key.indexOf('|') + 1))?.[1] ?? '')

/** The mappings that the entries of each index need. */
export function mappingsOf(entries: Entries, indices: Iterable<string> = []) {
  const all = new Map([...indices].map(index => [index, new Map<string, { type: string }>()]))
  for (const [key, { document = {} }] of entries) {
    const index = key.slice(0, key.indexOf('|'))
    const properties = all.get(index) ?? new Map<string, { type: string }>()
    all.set(index, properties)
    for (const [field, value] of Object.entries(document))
      if (typeof value === 'string') properties.set(field, { type: 'keyword' })
    if (!Number.isNaN(windowOf(key))) properties.set('window_start', { type: 'date' })
  }
  return Object.fromEntries(
    [...all].map(([index, properties]) => [index, { mappings: { properties: Object.fromEntries(properties) } }]),
  )
}

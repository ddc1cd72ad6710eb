import { isObject, parseJson } from '../../shared/json.ts'

const MAGIC: readonly (readonly [string, string])[] = [
  ['504b0304', 'a ZIP archive'],
  ['28b52ffd', 'compressed with Zstandard'],
  ['425a68', 'compressed with bzip2'],
  ['fd377a585a00', 'compressed with xz'],
  ['50415231', 'a Parquet file'],
  ['4f626a01', 'an Avro file'],
  ['53514c69746520666f726d6174', 'an SQLite database'],
  ['25504446', 'a PDF'],
]
const SEPARATOR = /[,;\t|]/

const FORMS = 'Give JSON lines, one JSON array, or consecutive JSON objects.'
const CSV = 'It looks like CSV. Convert it to JSON lines first, for example with `mlr --icsv --ojsonl cat FILE`.'

/** What a file looks like of which no line is a JSON object, and what to do about it: one sentence or two. */
export function unreadable(head: Buffer, name: string): string {
  const hex = head.subarray(0, 16).toString('hex')
  const binary = MAGIC.find(([magic]) => hex.startsWith(magic))
  if (binary) return `It is ${binary[1]}. Extract it to JSON lines first.`
  if (head.includes(0)) return `It is binary, or text in an unknown encoding. ${FORMS}`
  const text = head.toString()
  const [first = '', second = ''] = text.trimStart().split(/\r\n?|\n/)
  if (!text.includes('\n') && text.split('\r').filter(line => isObject(parseJson(line))).length > 1)
    return "Its lines end with carriage returns alone. Convert it with `tr '\\r' '\\n'`."
  if (/\}\s*\{/.test(first))
    return 'It has several JSON values on one line. Put each on a line of its own, for example with `jq -c .`.'
  if (first.startsWith('<')) return `It looks like XML or HTML. ${FORMS}`
  if (!/^["{[]/.test(first) || isCsvHeader(first))
    if (SEPARATOR.test(first) && (second === '' || SEPARATOR.test(second))) return CSV
  if (/\.[ct]sv(\.gz)?$/i.test(name)) return CSV
  if (first.startsWith('{')) return `It looks like a JSON object with an error in it, or one larger than a request. ${FORMS}`
  return `None of its lines is a JSON object. ${FORMS}`
}

/** Quoted column names: `"a","b"`. A line of JSON has one value. */
const isCsvHeader = (line: string): boolean => line.startsWith('"') && parseJson(line) === undefined

/**
 * The member that holds the rows of a wrapper object, as in `{"results":[{…},{…}]}`; undefined for a row. A row has at least one
 * field of its type.
 */
export function wrapperMember(value: unknown, fields: readonly string[]): string | undefined {
  if (!isObject(value) || fields.some(field => Object.hasOwn(value, field))) return undefined
  const found = Object.entries(value).find(([, rows]) => Array.isArray(rows) && rows.length > 0 && rows.every(isObject))
  return found?.[0]
}

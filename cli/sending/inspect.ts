import { open, stat } from 'node:fs/promises'
import { isObject, parseJson } from '../../shared/json.ts'
import { UserError } from '../../shared/user-error.ts'
import { type HashedElement, hashed } from './chain.ts'
import { readDecoded } from './decode.ts'
import { type Form, readElements, startsArray } from './elements.ts'
import { NotASequence } from './sequence-splitter.ts'
import { unreadable, wrapperMember } from './unreadable.ts'

const HEAD_BYTES = 64 * 1024
const FORMS = 'Give a file of JSON lines, one JSON array, or consecutive JSON objects.'

/** What `send` knows of a file before it sends anything. */
export interface Inspection {
  readonly form: Form
  readonly count: number
  /** The hash of the file up to the element after which an earlier run stopped; undefined if the file has fewer elements. */
  readonly digestBefore: string | undefined
}

/** The type of the rows and its fields. Without a type, each row is an envelope. */
export interface RowsOfType {
  readonly type: string | undefined
  readonly fields: readonly string[]
}

/** Reads a whole file and finds its form. Throws a UserError that names what else it looks like. `before` counts elements. */
export async function inspect(file: string, rows: RowsOfType, before: number): Promise<Inspection> {
  await assertFile(file)
  const head = await headOf(file)
  if (startsArray(head)) return checked(file, rows, { form: 'array', ...(await count(file, 'array', before)) })
  const lines = await count(file, 'lines', before)
  const form = lines.invalid === 0 ? 'lines' : await formOfValues(file)
  const inspection = form === 'lines' ? lines : await count(file, 'sequence', before)
  if (lines.count > 0 && inspection.objects === 0) throw new UserError(`${file} cannot be sent. ${unreadable(head, file)}`)
  const members = rows.type === undefined ? ['type'] : rows.fields
  const only = inspection.count === 1 ? wrapperMember(parseJson(inspection.first), members) : undefined
  if (only !== undefined) throw new UserError(wrapperMessage(file, only))
  return checked(file, rows, { form, ...inspection })
}

/** Throws a UserError if the first row says that the rows are not what the options say: envelopes, or rows of one type. */
function checked<Inspected extends Inspection & { readonly first: string }>(
  file: string,
  { type, fields }: RowsOfType,
  inspected: Inspected,
): Inspected {
  const row = parseJson(inspected.first)
  if (!isObject(row)) return inspected
  if (type === undefined && typeof row['type'] !== 'string')
    throw new UserError(`The first row of ${file} has no type. Give the type of all rows with --type TYPE.`)
  const isEnvelope = typeof row['type'] === 'string' && isObject(row['data'])
  if (isEnvelope && fields.length > 0 && !fields.some(field => Object.hasOwn(row, field)))
    throw new UserError(`The first row of ${file} is an envelope, not a row of ${type}. Send the file without --type.`)
  return inspected
}

const wrapperMessage = (file: string, member: string): string =>
  `${file} is one object that wraps its rows in ${JSON.stringify(member)}. Send only the rows` +
  // The name comes from the file: nothing of it may run when somebody pastes the command.
  (/^\w+$/.test(member) ? `: \`jq -c '.${member}[]' FILE | npx millrace send - --type TYPE\`.` : '.')

/** The form of a file with lines that are not JSON. */
async function formOfValues(file: string): Promise<'lines' | 'sequence'> {
  try {
    for await (const _ of readElements(readDecoded(file), 'sequence'));
    return 'sequence'
  } catch (error) {
    if (!(error instanceof NotASequence)) throw error
    if (!error.isOversized) return 'lines'
    throw new UserError(`${file} holds a JSON value of several lines that is larger than a request. ${FORMS}`)
  }
}

async function count(file: string, form: Form, before: number) {
  let [count, invalid, objects, first] = [0, 0, 0, '']
  let digestBefore: string | undefined = before === 0 ? '' : undefined
  for await (const element of hashed(readElements(readDecoded(file), form))) {
    count += 1
    if (count === before) digestBefore = element.digest
    const kind = kindOf(element)
    if (kind === 'object') objects += 1
    if (kind === 'invalid') invalid += 1
    if (count === 1) first = element.text.toString()
  }
  return { count, invalid, objects, first, digestBefore }
}

/** An oversized element cannot be parsed. It counts as an object if it starts like one. */
function kindOf({ text, isOversized }: HashedElement): 'object' | 'other' | 'invalid' {
  if (isOversized) return text[0] === 0x7b ? 'object' : 'other'
  const value = parseJson(text.toString())
  if (value === undefined) return 'invalid'
  return isObject(value) ? 'object' : 'other'
}

async function assertFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be read (${error.code}). ${FORMS}`)
  })
  if (!found.isFile()) throw new UserError(`${file} is not a file. ${FORMS}`)
  await open(file).then(
    handle => handle.close(),
    (error: NodeJS.ErrnoException) => {
      throw new UserError(`${file} cannot be read (${error.code}). ${FORMS}`)
    },
  )
}

/** The first bytes, decoded. */
async function headOf(file: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of readDecoded(file)) {
    parts.push(chunk)
    bytes += chunk.length
    if (bytes >= HEAD_BYTES) break
  }
  return Buffer.concat(parts)
}

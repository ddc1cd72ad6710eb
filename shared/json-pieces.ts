import { endOfString } from './json-depth.ts'

const [COMMA, QUOTE] = [0x2c, 0x22]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Cuts a well-formed JSON array or object into the texts of its elements or members. */
export function pieces(text: string): string[] {
  const found: string[] = []
  let from = text.search(/[[{]/) + 1
  let depth = 0
  for (let at = from - 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth += 1
    else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth -= 1
    else if (code !== COMMA) continue
    if (code === QUOTE || !((code === COMMA && depth === 1) || depth === 0)) continue
    found.push(text.slice(from, at).trim())
    from = at + 1
    if (depth === 0) break
  }
  return found.length === 1 && found[0] === '' ? [] : found
}

const NAME = /^"(?:[^"\\]|\\.)*"/s

const isMember = (piece: string, name: string): boolean => JSON.parse(NAME.exec(piece)?.[0] ?? '""') === name

/** The text of an object without a member. */
export const withoutMember = (text: string, name: string): string =>
  `{${pieces(text)
    .filter(piece => !isMember(piece, name))
    .join()}}`

/** The text of a member's value; '' without such a member. If the name occurs twice, the last one wins, as in JSON.parse. */
export function memberText(text: string, name: string): string {
  const member = pieces(text).findLast(piece => isMember(piece, name))
  return member?.replace(NAME, '').trim().slice(1).trim() ?? ''
}

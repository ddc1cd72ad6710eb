const hex = (character: string): string => character.charCodeAt(0).toString(16)

/** A character, as it is, as an escape of JSON, or percent-encoded; escapes may be escaped again. `code` is a pattern for its code. */
const spelled = (plain: string, code: string): string => {
  const backslashes = String.raw`\\{1,8}`
  return `(?:${plain}|${backslashes}u00${code}|(?:%|${backslashes}u0025)(?:25){0,4}${code})`
}

const text = (characters: string): string => [...characters].map(each => spelled(each, hex(each))).join('')

/** Codes of letters, digits, `-` and `_`. */
const KEY_CODES = '(?:2d|3[0-9]|4[1-9a-f]|5[0-9a]|5f|6[1-9a-f]|7[0-9a])'
const SCOPES = ['write', 'read', 'admin', 'client'].map(text).join('|')

/** A key or its beginning. Limited repetitions keep the time linear. */
const KEY = new RegExp(`${text('mr_')}(?:${SCOPES})${text('_')}${spelled(String.raw`[\w-]`, KEY_CODES)}{16,128}`, 'gi')

/** The text without API keys, in whatever spelling: they must never be stored or logged. */
export const redactKeys = (text: string): string => text.replace(KEY, 'mr_redacted')

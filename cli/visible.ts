/**
 * Control characters, and what changes the direction, the lines or the letters of other text unseen: bidi controls, line and
 * paragraph separators, byte order marks, zero-width spaces, tags and halves of surrogate pairs.
 */
const INVISIBLE = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text of a client for a terminal: characters that are not visible are written as escapes of JSON, such as `\u001b`. */
export const visible = (text: string): string => text.replace(INVISIBLE, character => SHORT[character] ?? escaped(character))

/** As `visible`, but keeps the line breaks. JSON text stays the same value: only its strings have such characters. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')

/** One escape per unit of UTF-16, as in JSON. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')

import { CR, LF, TAB } from '../../shared/json-structure.ts'
import type { Element } from './splitter.ts'

/** Replaces line breaks by tabs. Outside strings both are white space, inside strings JSON allows neither. */
export function oneLine(element: Element): Element {
  const { text } = element
  if (!text.includes(LF) && !text.includes(CR)) return element
  return { ...element, text: text.map(byte => (byte === LF || byte === CR ? TAB : byte)) as Buffer }
}

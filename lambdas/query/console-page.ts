import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** The console page, and the policy under which it may run its own script and style, and load nothing of other hosts. */
export interface ConsolePage {
  readonly html: string
  readonly policy: string
}

/** Reads the page from the function's folder, where its bundling has put it (console/build.ts). Throws when it is not there. */
export function readPage(folder: string): ConsolePage {
  const html = readFileSync(path.join(folder, 'console.html'), 'utf8')
  return { html, policy: policyOf(html) }
}

/** Only the inline script and style that the page has by itself, by their hashes. */
function policyOf(html: string): string {
  const hashes = (tag: string): string =>
    [...html.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([^]*?)</${tag}>`, 'g'))]
      .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      .join(' ')
  return [
    "default-src 'none'",
    `script-src ${hashes('script')}`,
    `style-src ${hashes('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

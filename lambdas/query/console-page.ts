import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** The console page and its Content-Security-Policy. */
export interface ConsolePage {
  readonly html: string
  readonly policy: string
}

/** Reads the page from the function's folder, where the bundling puts it (console/build.ts). Throws when the file is missing. */
export function readConsolePage(folder: string): ConsolePage {
  const html = readFileSync(path.join(folder, 'console.html'), 'utf8')
  return { html, policy: policyOf(html) }
}

/** Allows the page's own inline script and style, by their hashes, and no resource of another host. */
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

import { readFile } from 'node:fs/promises'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { UserError } from '../../shared/user-error.ts'

const DEFAULT = new URL('./site-map.xml', import.meta.url)
const TIMEOUT_MS = 30_000

/** The addresses in a site map: a file, a URL, or the small built-in one. Throws a UserError if it cannot be read or has none. */
export async function readSiteMap(from?: string): Promise<string[]> {
  return from === undefined ? urlsOf(await readFile(DEFAULT, 'utf8'), DEFAULT.pathname) : urlsOf(await load(from), from)
}

async function load(from: string): Promise<string> {
  try {
    if (!/^https?:/i.test(from)) return await readFile(from, 'utf8')
    const response = await fetch(from, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (response.ok) return await response.text()
    throw new Error(`status ${response.status}`)
  } catch (error) {
    throw new UserError(`The site map ${from} cannot be read (${(error as Error).message}). Give a file or an http address.`)
  }
}

/** The addresses in the url/loc elements of a urlset, in order. `name` is used in errors. Throws a UserError for other XML. */
export function urlsOf(xml: string, name: string): string[] {
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw new UserError(`The site map ${name} is invalid XML, line ${valid.err.line}: ${valid.err.msg}`)
  const root = new XMLParser({ isArray: tag => tag === 'url', parseTagValue: false, removeNSPrefix: true }).parse(xml)
  if (root.sitemapindex) throw new UserError(`${name} is an index of site maps. Give one of the site maps in it.`)
  const entries: readonly { loc?: unknown }[] = root.urlset?.url ?? []
  const urls = entries.map(({ loc }) => loc).filter((loc): loc is string => typeof loc === 'string' && loc !== '')
  if (urls.length === 0) throw new UserError(`The site map ${name} has no addresses. Give a urlset with url and loc elements.`)
  return urls
}

import { readFile } from 'node:fs/promises'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { UserError } from '../../shared/user-error.ts'

const OURS = new URL('./site-map.xml', import.meta.url)
const TIMEOUT_MS = 30_000

/** The addresses of a site map: a file, a URL, or the small one that ships. A Failure says what is wrong with it. */
export async function readSiteMap(from?: string): Promise<string[]> {
  const name = from ?? 'the site map'
  return urlsOf(from === undefined ? await readFile(OURS, 'utf8') : await load(from), name)
}

async function load(from: string): Promise<string> {
  try {
    if (!/^https?:/i.test(from)) return await readFile(from, 'utf8')
    const response = await fetch(from, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (response.ok) return await response.text()
    throw new Error(`status ${response.status}`)
  } catch (error) {
    throw new UserError(`The site map ${from} cannot be read (${(error as Error).message}); give a file or an http address.`)
  }
}

/** The text of every url/loc of a urlset, in order; throws a Failure for anything else. */
export function urlsOf(xml: string, name: string): string[] {
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw new UserError(`The site map ${name} is broken XML, line ${valid.err.line}: ${valid.err.msg}`)
  const root = new XMLParser({ isArray: tag => tag === 'url', parseTagValue: false, removeNSPrefix: true }).parse(xml)
  if (root.sitemapindex) throw new UserError(`${name} is an index of site maps; give one of the site maps that it names.`)
  const entries: readonly { loc?: unknown }[] = root.urlset?.url ?? []
  const urls = entries.map(({ loc }) => loc).filter((loc): loc is string => typeof loc === 'string' && loc !== '')
  if (urls.length === 0)
    throw new UserError(`The site map ${name} holds no address: a urlset with url and loc elements is expected.`)
  return urls
}

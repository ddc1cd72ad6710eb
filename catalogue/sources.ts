import { readFileSync } from 'node:fs'
import path from 'node:path'
import { buildSync, transformSync } from 'esbuild'
import { digest } from './digest.ts'

const ROOT = path.join(import.meta.dirname, '..')
const CATALOGUE_FILE = 'shared/catalogue.ts'

/** The file of a definition, from the root. */
export type Sources = (definition: object) => string

/** Finds the files of definitions: the modules that the catalogue imports. A definition that none of them exports is in the catalogue itself. */
export async function findSources(): Promise<Sources> {
  const options = { absWorkingDir: ROOT, packages: 'external', platform: 'node', format: 'esm' } as const
  const { metafile } = buildSync({ ...options, entryPoints: [CATALOGUE_FILE], bundle: true, write: false, metafile: true })
  const files = new Map<unknown, string>()
  for (const { path: file, external } of metafile.inputs[CATALOGUE_FILE]?.imports ?? []) {
    if (external) continue
    const exported = (await import(`../${file}`)) as object
    for (const value of Object.values(exported)) if (!files.has(value)) files.set(value, file)
  }
  return definition => files.get(definition) ?? CATALOGUE_FILE
}

/**
 * A digest of one module without comments, types, names of variables and layout. What it imports counts by name only. Syntax is
 * not rewritten, so that another version of the compiler gives the same digest.
 */
export function moduleDigest(source: string): string {
  // In two steps, because the names of types have a say in the names of variables.
  const { code } = transformSync(source, { loader: 'ts', format: 'esm', target: 'node24' })
  return digest(transformSync(code, { format: 'esm', minifyWhitespace: true, minifyIdentifiers: true }).code)
}

export const readSource = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8')

import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The folder of a Node executable of Lambda's version: from the npm package for this platform, else the current executable. */
export function nodeFolder(): string {
  const require = createRequire(import.meta.url)
  try {
    return dirname(require.resolve(`node-${process.platform}-${process.arch}/bin/node`))
  } catch {
    return dirname(process.execPath)
  }
}

import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The folder of a Node of the version that Lambda runs: the npm package for this platform, else the Node that runs this. */
export function nodeFolder(): string {
  const require = createRequire(import.meta.url)
  try {
    return dirname(require.resolve(`node-${process.platform}-${process.arch}/bin/node`))
  } catch {
    return dirname(process.execPath)
  }
}

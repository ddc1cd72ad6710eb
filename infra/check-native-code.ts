import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The packages with native code for a platform, such as `linux-arm64`, that a bundle lacks. npm skips an optional package without
 * an error when its download fails. Packages declare their native code as optional dependencies, one for each platform.
 */
function missingNativeCode(bundle: string, platform: string): string[] {
  const manifests = globSync(['*/package.json', '@*/*/package.json'], { cwd: join(bundle, 'node_modules') })
  const wanted = manifests.flatMap(file => {
    const { optionalDependencies = {} } = JSON.parse(readFileSync(join(bundle, 'node_modules', file), 'utf8'))
    return Object.keys(optionalDependencies).filter(name => name.endsWith(`-${platform}`))
  })
  if (wanted.length === 0) return [`a package for ${platform}`]
  return wanted.filter(name => !existsSync(join(bundle, 'node_modules', name, 'package.json')))
}

const [, , bundle = '.', platform = ''] = process.argv
const missing = missingNativeCode(bundle, platform)
if (missing.length > 0) {
  console.error(
    `npm did not install ${missing.join(', ')} into the bundle, probably because a download failed. Run the command again.`,
  )
  process.exitCode = 1
}

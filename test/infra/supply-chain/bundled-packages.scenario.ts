import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { buildSync } from 'esbuild'
import { bundling } from '../../../infra/bundling.ts'
import { productionSbom } from '../../../infra/supply-chain/plan-sbom.ts'
import { type Lock, productionPackages, shippedPackages } from '../../../infra/supply-chain/shipped-packages.ts'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
/** Installed beside the reports function, not bundled. */
const NATIVE = '@duckdb/node-api'
const MINUTE = 60_000

/** The folders of packages whose code is in the bundle of any function or in the console. */
function bundledFolders(): string[] {
  const { metafile } = buildSync({
    entryPoints: [...globSync('lambdas/**/*.lambda.ts'), 'console/main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'bundles',
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    mainFields: [...bundling.mainFields],
    external: [...bundling.external, NATIVE],
  })
  const inputs = Object.values(metafile.outputs).flatMap(output => Object.entries(output.inputs))
  const folders = inputs.flatMap(([file, { bytesInOutput }]) => {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
    return folder && bytesInOutput > 0 ? [folder] : []
  })
  return [...new Set(folders)]
}

test(
  'every bundled package is a production dependency that NOTICE lists, and every production dependency is shipped',
  () => {
    const folders = bundledFolders()
    const shipped = new Set(shippedPackages(lock).map(({ folder }) => folder))
    expect(folders.filter(folder => !shipped.has(folder))).toEqual([])
    const unused = Object.keys(dependencies).filter(name => name !== NATIVE && !folders.includes(`node_modules/${name}`))
    expect(unused).toEqual([])
  },
  2 * MINUTE,
)

test(
  'the bill of materials lists every production dependency',
  () => {
    const options = { encoding: 'utf8', maxBuffer: 2 ** 26 } as const
    const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], options)
    const { components, bomFormat } = productionSbom(JSON.parse(text), lock) as ReturnType<typeof JSON.parse>
    const names = (found: readonly { name: string; version: string }[]) =>
      [...new Set(found.map(({ name, version }) => `${name} ${version}`))].sort()
    expect([bomFormat, names(components)]).toEqual(['CycloneDX', names(productionPackages(lock))])
  },
  MINUTE,
)

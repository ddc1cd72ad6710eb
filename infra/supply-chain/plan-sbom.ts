import { type Lock, productionPackages } from './shipped-packages.ts'

/** The part of CycloneDX's format that is read. */
interface Bom {
  readonly metadata: { readonly component: { readonly 'bom-ref': string } }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
}

/**
 * The bill of materials of all packages, without those for development. `npm sbom --omit=dev` would also leave out packages that
 * production shares with development.
 */
export function productionSbom<Whole extends Bom>(bom: Whole, lock: Lock): Whole {
  const production = new Set(productionPackages(lock).map(({ name, version }) => `${name}@${version}`))
  const components = bom.components.filter(({ name, version }) => production.has(`${name}@${version}`))
  const refs = new Set([bom.metadata.component['bom-ref'], ...components.map(component => component['bom-ref'])])
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(each => refs.has(each)) }))
  return { ...bom, components, dependencies }
}

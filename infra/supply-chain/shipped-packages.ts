/** The part of package-lock.json that is read. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
}

/** A package that is in the bundles of the functions, in the console, or installed beside a function. */
export interface ShippedPackage {
  readonly name: string
  readonly version: string
  /** An SPDX expression. Undefined: its author states none. */
  readonly licence: string | undefined
  /** Its folder, relative to the root of the repository. */
  readonly folder: string
}

const FOLDER = /^(?:.*\/)?node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)$/

/** The production dependencies, direct and indirect. */
export const productionPackages = ({ packages }: Lock): (ShippedPackage & { readonly isOptional: boolean })[] =>
  Object.entries(packages).flatMap(([folder, { version = '', license, dev, optional = false }]) => {
    const name = FOLDER.exec(folder)?.groups?.['name']
    return name === undefined || dev ? [] : [{ name, version, licence: license, folder, isOptional: optional }]
  })

/**
 * The packages that are shipped, sorted by name. Optional packages are not: they are Node for the commands, and DuckDB's native code
 * for each platform, which has the licence of @duckdb/node-bindings.
 */
export const shippedPackages = (lock: Lock): ShippedPackage[] =>
  productionPackages(lock)
    .filter(({ isOptional }) => !isOptional)
    .map(({ isOptional: _isOptional, ...shipped }) => shipped)
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Licences that a production dependency may have: permissive, without duties beyond a notice. */
const ALLOWED: ReadonlySet<string> = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'])

/** What is wrong with the licences of production dependencies: a sentence for each package. */
export const licenceProblems = (lock: Lock): string[] =>
  productionPackages(lock)
    .filter(({ licence }) => !isAllowed(licence))
    .map(
      ({ name, version, licence = 'no licence' }) =>
        `${name} ${version} has ${licence}. A production dependency may have ${[...ALLOWED].join(', ')}: replace it.`,
    )

/** Of a choice such as `(MIT OR GPL-3.0)`, one licence is enough. Other expressions are not accepted. */
const isAllowed = (licence = ''): boolean =>
  licence
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some(each => ALLOWED.has(each))

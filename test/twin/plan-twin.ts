/** What `twin.py` reports. Resources are names by type. */
export interface Twin {
  readonly stacked: number
  readonly made: number
  readonly deployed: Readonly<Record<string, readonly string[]>>
  readonly left: Readonly<Record<string, readonly string[]>>
  /** What parliament finds in the policies. */
  readonly findings: readonly string[]
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly DeletionPolicy?: string }>>
}

const KEPT = ['Retain', 'RetainExceptOnCreate']

/** In what a deployment to moto and its deletion differ from the template, as sentences. */
export function twinProblems({ Resources }: Template, { stacked, made, deployed, left, findings }: Twin): string[] {
  const resources = Object.values(Resources)
  const numberOf = (type: string, isCounted: (resource: (typeof resources)[number]) => boolean) =>
    resources.filter(each => each.Type === type && isCounted(each)).length
  const differences = Object.keys(left).flatMap(type => {
    const [all, kept] = [numberOf(type, () => true), numberOf(type, ({ DeletionPolicy = '' }) => KEPT.includes(DeletionPolicy))]
    const [existed, remain] = [deployed[type] ?? [], left[type] ?? []]
    return [
      ...(existed.length === all ? [] : [`${existed.length} of ${all} resources ${type} were created.`]),
      ...(remain.length === kept ? [] : [`${remain.length} resources ${type} are left, not ${kept}: ${remain.join(', ')}`]),
    ]
  })
  const total = stacked + made
  return [
    ...(total === resources.length ? [] : [`${total} of ${resources.length} resources were created.`]),
    ...differences,
    ...findings,
  ]
}

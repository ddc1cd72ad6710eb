import { readFileSync } from 'node:fs'

/** What AWS documents about an action. */
export interface KnownAction {
  /** Matches the ARNs of its resources; empty if the action has none. */
  readonly resources: readonly RegExp[]
  readonly conditionKeys: readonly string[]
}

/** The file of AWS's documentation about the actions of the policies and of the recorded calls; `check:template` compares and records it. */
export const KNOWN_ACTIONS = 'test/golden/rights/known-actions.json'

type Documented = Readonly<Record<string, { readonly resources: readonly string[]; readonly keys: readonly string[] }>>

/** Parts of ARNs that may contain slashes or colons. */
const LONG = ['ObjectName', 'LogGroupName', 'LogStreamName', 'StreamLabel', 'RoleNameWithPath']

/** By the action's name. An action that is not here is not known. */
export const knownActions: Readonly<Record<string, KnownAction>> = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(KNOWN_ACTIONS, 'utf8')) as Documented).map(([action, { resources, keys }]) => [
    action,
    { resources: resources.map(arn => matcher(action, arn)), conditionKeys: keys },
  ]),
)

function matcher(action: string, arn: string): RegExp {
  const source = arn.replace(/\$\{(\w+)\}/g, (_, name) => (LONG.includes(name) ? '.+' : '[^/:]*'))
  // OpenSearch Service Developer Guide, "Identity and access management": the path of a request follows the ARN of the domain.
  return new RegExp(`^${source}${action.startsWith('es:ESHttp') ? '/.*' : ''}$`, 's')
}

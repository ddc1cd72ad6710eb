import { catalogueProblems } from '../catalogue/check.ts'
import { apiPid } from './api.ts'
import { cloudPid, endedUncleanly } from './ministack.ts'
import { openSearchPid } from './opensearch.ts'
import { failuresOf, type LocalCloud, parts } from './parts.ts'
import { type Ports, portProblems } from './ports.ts'
import type { Problem } from './problem.ts'
import { pythonProblem, readPython } from './python.ts'

/** The ports that the next `up` opens. `owned`: the parts that it starts itself. */
export const neededPorts = (
  local: LocalCloud,
  owned: { readonly cloud: boolean; readonly openSearch: boolean },
): (keyof Ports)[] => [
  ...(apiPid(local.api) ? [] : (['api', 'faults'] as const)),
  ...(owned.cloud && !cloudPid(local.cloud) ? (['cloud'] as const) : []),
  ...(owned.openSearch && !openSearchPid(local.openSearch) ? (['openSearch', 'openSearchTransport'] as const) : []),
]

/** What the next `up` finds on this machine. */
export interface Prerequisites {
  /** The version of Python, or what is wrong with it. */
  readonly python: string | Problem
  readonly catalogue: readonly string[]
  readonly ports: readonly Problem[]
  /** The parts of the local cloud that are running. */
  readonly running: readonly string[]
  /** Why other parts have ended by themselves. */
  readonly ended: readonly string[]
  /** The folder of a cloud that ended without saving its state. */
  readonly unclean: string | undefined
}

/** Reads what `up` checks first. Changes nothing. */
export async function readPrerequisites(local: LocalCloud): Promise<Prerequisites> {
  const { version } = await readPython()
  return {
    python: pythonProblem(version) ?? version,
    catalogue: await catalogueProblems(),
    ports: await portProblems(local.ports, neededPorts(local, { cloud: true, openSearch: true })),
    running: parts.filter(({ pid }) => pid(local) !== undefined).map(({ name }) => name),
    ended: failuresOf(local),
    unclean: endedUncleanly(local.cloud) ? local.cloud.folder : undefined,
  }
}

import { withTimeout } from './deadline.ts'

/** Asks one store something small and throws when it does not answer; a number it returns is how many seconds the store is behind. */
export type Probe = () => Promise<unknown>

export interface StoreHealth {
  readonly reachable: boolean
  readonly lagSeconds: number | null
}

export interface Health {
  readonly ok: boolean
  readonly stores: Readonly<Record<string, StoreHealth>>
}

/** Asks every store at once; one that takes longer than `timeoutMs` counts as unreachable. */
export async function checkHealth(probes: Readonly<Record<string, Probe>>, timeoutMs: number): Promise<Health> {
  const stores = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, await tryProbe(probe, timeoutMs)] as const),
  )
  return { ok: stores.every(([, { reachable }]) => reachable), stores: Object.fromEntries(stores) }
}

async function tryProbe(probe: Probe, timeoutMs: number): Promise<StoreHealth> {
  try {
    const lag = await withTimeout(timeoutMs, probe())
    return { reachable: true, lagSeconds: typeof lag === 'number' ? lag : null }
  } catch {
    return { reachable: false, lagSeconds: null }
  }
}

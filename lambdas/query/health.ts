import pTimeout from 'p-timeout'
import type { Health, StoreHealth } from '../../shared/health.ts'

/** Sends one small request to a store. Throws when the store does not respond. A number it returns is the store's lag in seconds. */
export type Probe = () => Promise<unknown>

/** Probes all stores in parallel. A store that takes longer than `timeoutMs` counts as unreachable. */
export async function checkHealth(probes: Readonly<Record<string, Probe>>, timeoutMs: number): Promise<Health> {
  const stores = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, await tryProbe(probe, timeoutMs)] as const),
  )
  return { ok: stores.every(([, { reachable }]) => reachable), stores: Object.fromEntries(stores) }
}

async function tryProbe(probe: Probe, timeoutMs: number): Promise<StoreHealth> {
  try {
    const lag = await pTimeout(probe(), { milliseconds: timeoutMs })
    return { reachable: true, lagSeconds: typeof lag === 'number' ? lag : null }
  } catch {
    return { reachable: false, lagSeconds: null }
  }
}

/** Calls `read` at most once in this time. Calls that wait for the same result share it. A failure is not kept. */
export function cachedFor<Value>(
  milliseconds: number,
  read: () => Promise<Value>,
  now: () => number = Date.now,
): () => Promise<Value> {
  let cached: { readonly expires: number; readonly value: Promise<Value> } | undefined
  return () => {
    if (cached && cached.expires > now()) return cached.value
    const value = read()
    cached = { expires: now() + milliseconds, value }
    value.catch(() => {
      cached = undefined
    })
    return value
  }
}

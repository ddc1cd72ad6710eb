import type { PartItem } from '../../shared/state.ts'
import type { Code } from './code.ts'
import { limits } from './conditions.ts'
import type { Environment } from './environment.ts'
import { expectedOf } from './oracle.ts'
import { sorted } from './projections.ts'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Compares the table, the index and the quarantine with a plain fold of the log. Returns the differences. */
export function judge(environment: Environment, code: Code): string[] {
  const items = [...environment.table.items.values()].map(attributes => code.items.readItem(attributes))
  const users = new Map(items.filter(code.items.isUserItem).map(item => [item.user, item]))
  const parts = items.filter(code.items.isPartItem)
  const windows = new Map(parts.filter(({ user }) => user !== undefined).map(item => [`${item.user}|${item.start}`, item]))
  const documents = new Map([...environment.index.entries].map(([key, { document }]) => [key, document]))
  if (environment.conditions.deploys) return judgeTotals(environment, parts)
  const expected = expectedOf(environment.log, limits)
  const violations: string[] = []

  for (const [name, want] of expected.users) {
    const state = users.get(name)?.states['last-r1'] as { ids: string[]; n: number } | undefined
    const got = { ids: state?.ids ?? [], n: state?.n ?? 0 }
    if (!same(got, { ids: want.ids, n: want.n }))
      violations.push(`user ${name} holds ${JSON.stringify(got)}, expected ${JSON.stringify(want.ids)} of ${want.n}`)
    if (users.has(name) && users.get(name)?.late !== want.late)
      violations.push(`user ${name} counts ${users.get(name)?.late} late, expected ${want.late}`)
    const document = want.n > 0 ? { user: name, ids: want.ids, n: want.n } : undefined
    if (!same(documents.get(`last-r1|${name}`), document))
      violations.push(`document of user ${name} is ${JSON.stringify(documents.get(`last-r1|${name}`))}`)
  }

  for (const [key, want] of expected.windows) {
    const got = windows.get(key)
    const state = got?.state as { n: number; sum: number } | undefined
    if (got && !want) violations.push(`window ${key} survived an erasure`)
    if (got && want && !same([state?.n, state?.sum], [want.n, want.sum]))
      violations.push(`window ${key} holds ${JSON.stringify(state)}, expected ${want.n} and ${want.sum}`)
    if (!got && want && !environment.expired) violations.push(`window ${key} is missing`)
    const [user = '', start] = key.split('|')
    const id = `sums-r1|${user}#${new Date(Number(start) * 1000).toISOString().slice(0, 19)}Z`
    if (!same(documents.get(id), want))
      violations.push(`document of window ${key} is ${JSON.stringify(documents.get(id))}, expected ${JSON.stringify(want)}`)
  }
  for (const key of windows.keys()) if (!expected.windows.has(key)) violations.push(`window ${key} should not exist`)

  for (const [start, want] of expected.countries) {
    const document = documents.get(`countries-r1|${new Date(start * 1000).toISOString().slice(0, 19)}Z`)
    const expectedDocument = { start, n: want.n, users: want.users.size, countries: sorted(want.countries) }
    if (!same(document, expectedDocument))
      violations.push(
        `document of all users' window ${start} is ${JSON.stringify(document)}, expected ${JSON.stringify(expectedDocument)}`,
      )
  }

  const quarantined = [...environment.invocations.quarantined.keys()].sort()
  if (!same(quarantined, [...expected.quarantine].sort()))
    violations.push(`quarantine holds ${quarantined}, expected ${[...expected.quarantine].sort()}`)
  return violations
}

/** After a deployment during the run, old or new code may have folded an event. All stores must agree nevertheless. */
function judgeTotals(environment: Environment, parts: readonly PartItem[]): string[] {
  if (environment.expired || environment.log.some(({ erasure }) => erasure)) return []
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0)
  const eventsOf = (kind: string) => total(parts.flatMap(part => (part.kind === kind ? [(part.state as { n: number }).n] : [])))
  const windowEvents = eventsOf('window')
  const slotEvents = eventsOf('slot')
  const documents = [...environment.index.entries].flatMap(([key, { document }]) =>
    key.startsWith('sums-r1|') ? [Number(document?.['n'] ?? 0)] : [],
  )
  const violations: string[] = []
  if (windowEvents !== slotEvents)
    violations.push(`user windows count ${windowEvents} events, windows over all users ${slotEvents}`)
  if (windowEvents !== total(documents))
    violations.push(`user windows count ${windowEvents} events, their documents ${total(documents)}`)
  return violations
}

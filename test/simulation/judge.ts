import type { Code } from './code.ts'
import { expectedOf } from './oracle.ts'
import { sorted } from './projections.ts'
import { limits, type World } from './world.ts'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What is wrong in the end: the table, the index and the quarantine against a plain fold of the log. */
export function judge(world: World, code: Code): string[] {
  const items = [...world.table.items.values()].map(attributes => code.items.readItem(attributes))
  const users = new Map(items.flatMap(item => (item.kind === 'user' ? [[item.user, item] as const] : [])))
  const windows = new Map<string, (typeof items)[number] & { kind: 'window' }>(
    items.flatMap(item => (item.kind === 'window' ? [[`${item.user}|${item.start}`, item] as const] : [])),
  )
  const documents = new Map([...world.index.entries].map(([key, { document }]) => [key, document]))
  if (world.mood.deploys) return judgeTotals(world, items)
  const expected = expectedOf(world.log, limits)
  const wrong: string[] = []

  for (const [name, want] of expected.users) {
    const state = users.get(name)?.states['last-r1'] as { ids: string[]; n: number } | undefined
    const got = { ids: state?.ids ?? [], n: state?.n ?? 0 }
    if (!same(got, { ids: want.ids, n: want.n }))
      wrong.push(`user ${name} holds ${JSON.stringify(got)}, expected ${JSON.stringify(want.ids)} of ${want.n}`)
    if (users.has(name) && users.get(name)?.late !== want.late)
      wrong.push(`user ${name} counts ${users.get(name)?.late} late, expected ${want.late}`)
    const document = want.n > 0 ? { user: name, ids: want.ids, n: want.n } : undefined
    if (!same(documents.get(`last-r1|${name}`), document))
      wrong.push(`document of user ${name} is ${JSON.stringify(documents.get(`last-r1|${name}`))}`)
  }

  for (const [key, want] of expected.windows) {
    const got = windows.get(key)
    const state = got?.state as { n: number; sum: number } | undefined
    if (got && !want) wrong.push(`window ${key} survived an erasure`)
    if (got && want && !same([state?.n, state?.sum], [want.n, want.sum]))
      wrong.push(`window ${key} holds ${JSON.stringify(state)}, expected ${want.n} and ${want.sum}`)
    if (!got && want && !world.expired) wrong.push(`window ${key} is missing`)
    const [user = '', start] = key.split('|')
    const id = `sums-r1|${user}#${new Date(Number(start) * 1000).toISOString().slice(0, 19)}Z`
    if (!same(documents.get(id), want))
      wrong.push(`document of window ${key} is ${JSON.stringify(documents.get(id))}, expected ${JSON.stringify(want)}`)
  }
  for (const key of windows.keys()) if (!expected.windows.has(key)) wrong.push(`window ${key} should not exist`)

  for (const [start, want] of expected.countries) {
    const document = documents.get(`countries-r1|${new Date(start * 1000).toISOString().slice(0, 19)}Z`)
    const whole = { start, n: want.n, users: want.users.size, countries: sorted(want.countries) }
    if (!same(document, whole))
      wrong.push(`document of all users' window ${start} is ${JSON.stringify(document)}, expected ${JSON.stringify(whole)}`)
  }

  const kept = [...world.invocations.quarantined.keys()].sort()
  if (!same(kept, [...expected.quarantine].sort()))
    wrong.push(`quarantine holds ${kept}, expected ${[...expected.quarantine].sort()}`)
  return wrong
}

/** With a deployment in between, who folded what is open; but every store must have made the same decision. */
function judgeTotals(world: World, items: ReturnType<Code['items']['readItem']>[]): string[] {
  if (world.expired || world.log.some(({ erasure }) => erasure)) return []
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0)
  const windowEvents = total(items.flatMap(item => (item.kind === 'window' ? [(item.state as { n: number }).n] : [])))
  const slotEvents = total(items.flatMap(item => (item.kind === 'slot' ? [(item.state as { n: number }).n] : [])))
  const documents = [...world.index.entries].flatMap(([key, { document }]) =>
    key.startsWith('sums-r1|') ? [Number(document?.['n'] ?? 0)] : [],
  )
  const wrong: string[] = []
  if (windowEvents !== slotEvents) wrong.push(`user windows count ${windowEvents} events, windows over all users ${slotEvents}`)
  if (windowEvents !== total(documents))
    wrong.push(`user windows count ${windowEvents} events, their documents ${total(documents)}`)
  return wrong
}

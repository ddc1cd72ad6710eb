import type { Code } from './code.ts'
import { type Commit, commitOf, positionOf } from './commits.ts'
import { limits } from './conditions.ts'
import type { Environment } from './environment.ts'
import { histories, type OpenDecisions } from './explain.ts'
import { judgeCountries, judgeShared } from './judge-shared.ts'
import { idsOf, isRefused, judgeFresh, judgeStoredDeltas, judgeWindows, same } from './judge-windows.ts'
import type { LogEntry, Rejected, Remembered, UserHistory } from './oracle.ts'
import { typedState } from './projections.ts'
import { type Stores, sharedIds, storesOf } from './stores.ts'

interface Verdict {
  readonly history: UserHistory
  readonly violations: readonly string[]
}

/** Compares the table, the index and the quarantine with a plain fold of the log. Returns the differences. */
export function judge(environment: Environment, code: Code): string[] {
  const stores = storesOf(environment, code)
  const names = [...new Set(environment.log.map(({ user }) => user))].sort()
  const verdicts = new Map(names.map(name => [name, judgeUser(name, environment, stores)]))
  return [
    ...environment.violations,
    ...judgeWithoutIds(environment),
    ...judgeBlamed(environment),
    ...judgeStoredDeltas(environment),
    ...[...verdicts.values()].flatMap(({ violations }) => violations),
    ...judgeCountries(new Map([...verdicts].map(([name, { history }]) => [name, history.shared])), stores, environment),
    ...[...stores.windows.current.keys()].flatMap(key => {
      const [name = '', start] = key.split('|')
      return verdicts.get(name)?.history.windows.has(Number(start)) ? [] : [`window ${key} should not exist`]
    }),
  ]
}

/** Where a process ends by a fold only, no event is blamed that can be folded. */
function judgeBlamed({ log, blamed, conditions: { crash, zombie, timedOut } }: Environment): string[] {
  if (crash + zombie + timedOut > 0) return []
  const innocent = log.flatMap(({ seq, events }) =>
    events.filter(({ data }, place) => !data.hangs && blamed.has(positionOf(seq, place))).map(({ id }) => id),
  )
  return innocent.map(id => `${id} is blamed for the end of a process, but its fold returns`)
}

/** Each rejected event without an id is in quarantine, or was put once under an id of its own for each time that it was sent. */
function judgeWithoutIds({ log, quarantine, withoutId }: Environment): string[] {
  const ids = new Set(log.flatMap(({ events }) => idsOf(events)))
  return [...withoutId].flatMap(([key, times]) => {
    const put = [...ids].filter(id => id.startsWith(`${key}-`)).length
    const isComplete = quarantine.items.has(key) ? put <= times : put === times
    return isComplete ? [] : [`an event without an id was sent ${times} times and replayed ${put} times`]
  })
}

/** Compares a user's stores with each history that its records allow. Returns the one with the fewest differences. */
function judgeUser(name: string, environment: Environment, stores: Stores): Verdict {
  const log = environment.log.filter(({ user }) => user === name)
  const ids = new Set(log.flatMap(({ events }) => idsOf(events)))
  const shared = sharedIds(stores, id => ids.has(id))
  const open = openDecisions(log, environment)
  let best: Verdict | undefined
  const commits = (environment.commits.get(name) ?? []).map(commitOf)
  for (const history of histories(log, commits, limits, open)) {
    const violations = [
      ...judgeStates(name, history, stores, environment),
      ...judgeWindows(name, history, stores, environment),
      ...judgeFresh(name, history, stores, environment),
      ...judgeShared(name, history, shared, stores),
      ...judgeQuarantine(name, ids, history, stores, environment),
    ]
    if (!best || violations.length < best.violations.length) best = { history, violations }
    if (violations.length === 0) break
  }
  return best ?? unexplained(name, log, commits, open)
}

function openDecisions(log: Environment['log'], { blamed, conditions, quarantine }: Environment): OpenDecisions {
  return {
    deploys: conditions.deploys,
    impure: conditions.impure,
    wasQuarantined: (id, code) => quarantine.ever.has(`${id} ${code}`),
    isBlamed: (seq, place) => blamed.has(positionOf(seq, place)),
    isDoubtful: (entry, id) => quarantine.everDoubtful.has(id) && mayBeForgotten(entry, log),
  }
}

/** Whether the user's item may have forgotten the events of this record, because of later ones. */
const mayBeForgotten = ({ seq, arrived }: LogEntry, log: Environment['log']): boolean =>
  log.some(later => later.seq > seq && later.arrived >= arrived)

function unexplained(name: string, log: readonly LogEntry[], commits: readonly Commit[], open: OpenDecisions): Verdict {
  const any = log.map(entry => ({ ...entry, givenUp: true }))
  const [history] = histories(any, [], limits, { ...open, wasQuarantined: () => false })
  if (!history) throw new Error('A log without a history.')
  const isExplained = (commit: Commit): boolean => {
    const before = log.filter(({ seq }) => seq <= commit.seq)
    return !histories(before, commits.slice(0, commits.indexOf(commit) + 1), limits, open).next().done
  }
  const wrong = commits.find(commit => !isExplained(commit))
  const what = wrong
    ? `commit of record ${wrong.seq}, which contains ${wrong.ids} and rejects ${[...wrong.rejected]}`
    : 'end without a commit of the last record'
  return { history, violations: [`no decisions on the records of user ${name} lead to the ${what}`] }
}

const stateIds = (name: string, { users }: Stores): string[] =>
  (users.get(name)?.states['last-r1'] as { ids: string[] } | undefined)?.ids ?? []

function judgeStates(name: string, { folded, late }: UserHistory, stores: Stores, environment: Environment): string[] {
  const violations: string[] = []
  const ids = stateIds(name, stores)
  if (!same(ids, idsOf(folded))) violations.push(`user ${name} holds ${ids}, expected ${idsOf(folded)}`)
  const item = stores.users.get(name)
  if (item && item.late !== late) violations.push(`user ${name} counts ${item.late} late, expected ${late}`)
  const document = folded.length > 0 ? { user: name, ids: idsOf(folded), n: folded.length } : undefined
  const shown = stores.documents.get(`last-r1|${name}`)
  if (!same(shown, document) && !isRefused(`last-r1|${name}`, idsOf(folded), environment))
    violations.push(`document of user ${name} is ${JSON.stringify(shown)}`)
  for (const revision of [1, 2]) violations.push(...judgeTyped(name, revision, folded.length, stores))
  return violations
}

/** A projection of which two revisions run at once. Its states are of every JSON type. */
function judgeTyped(name: string, revision: number, events: number, { users, documents }: Stores): string[] {
  const key = `typed-r${revision}`
  const text = events > 0 ? JSON.stringify(typedState(revision, events)) : undefined
  const stored = JSON.stringify(users.get(name)?.states[key])
  const document = documents.get(`${key}|${name}`)
  return [
    ...(stored === text ? [] : [`${key} of user ${name} is ${stored}, expected ${text}`]),
    ...(same(document, text && { user: name, text }) ? [] : [`document of ${key} of ${name} is ${JSON.stringify(document)}`]),
  ]
}

/**
 * An event whose last decision is a rejection is in quarantine. Whatever was ever there was rejected at some time: with replays it
 * may have left since.
 */
function judgeQuarantine(
  name: string,
  ids: ReadonlySet<string>,
  history: UserHistory,
  { quarantined }: Stores,
  environment: Environment,
): string[] {
  const { rejected, missing } = history
  const { conditions, quarantine } = environment
  // Attempts of different code, or of an impure projection, may reject an event for different reasons: the first one is kept.
  const isExact = !conditions.deploys && !conditions.impure
  const ever = [...quarantine.ever].filter(key => ids.has(idOf(key)))
  const isOf = (key: string, { id, codes }: Rejected): boolean =>
    isExact ? codes.some(code => key === `${id} ${code}`) : idOf(key) === id
  // An event that was folded, sent again and rejected may have been replayed since: the replay is recognised.
  const isFolded = (id: string): boolean => history.folded.some(event => event.id === id)
  const absent = [...missing].filter(([id]) => !quarantined.has(id) && !isFolded(id)).map(([id, code]) => `${id} ${code}`)
  const unnoted = rejected
    .filter(each => !ever.some(key => isOf(key, each)))
    .map(({ id, codes }) => `${id} ${codes.join(' or ')}`)
  const surplus = ever.filter(key => !rejected.some(each => isOf(key, each)))
  return [
    ...[...new Set([...absent, ...unnoted])].map(key => `${key} of user ${name} is neither folded nor quarantined`),
    ...surplus.map(key => `${key} of user ${name} is quarantined, but no decision rejects it`),
    ...judgeHeld(history, environment),
  ]
}

/** An event of a given-up record that its item remembered before the record, and still remembers, is not quarantined as unread. */
function judgeHeld({ heldBy, seen }: UserHistory, { log, quarantine }: Environment): string[] {
  const last = Math.max(...log.map(({ arrived }) => Math.floor(arrived / 1000)))
  // The same event may have been folded again since, in the same second: only the object tells.
  const isHeld = (each: Remembered): boolean =>
    last - each.arrived <= limits.identitySeconds && seen.slice(-limits.identityCount).includes(each)
  const isOnce = ({ id }: Remembered): boolean =>
    log.filter(({ givenUp, events }) => givenUp && events.some(event => event.id === id)).length === 1
  const wrong = heldBy.filter(each => isHeld(each) && isOnce(each) && quarantine.ever.has(`${each.id} record_unread`))
  return wrong.map(({ id }) => `${id} is quarantined as unread, although its user's item remembers it`)
}

const idOf = (key: string): string => key.split(' ')[0] ?? ''

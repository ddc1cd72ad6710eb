import { takeKeysFromAddress } from './address.ts'
import { ApiError } from './api.ts'
import { fill, h } from './dom.ts'
import { instant } from './format.ts'
import { keyOf, scopes, storedKey, storeKey } from './keys.ts'
import type { OpenView, View } from './view.ts'
import { overview } from './views/overview.ts'
import { publish } from './views/publish.ts'
import { quarantine } from './views/quarantine.ts'
import { reports } from './views/reports.ts'
import { users } from './views/users.ts'
import { windows } from './views/windows.ts'

/** The views: name in the address, title, and function. The keys 1 to 6 open them in this order. */
const pages: readonly (readonly [name: string, title: string, open: OpenView])[] = [
  ['overview', 'Overview', overview],
  ['users', 'Users', users],
  ['windows', 'Windows', windows],
  ['reports', 'Reports', reports],
  ['quarantine', 'Quarantine', quarantine],
  ['publish', 'Publish', publish],
]

const title = h('h1', { tabindex: -1 })
const status = h('span', { class: 'pulse', role: 'status' })
const failure = h('div', { class: 'failure', role: 'alert', hidden: true })
const content = h('main', { id: 'main' })
const links = pages.map(([name, text], at) => h('a', { href: `#/${name}`, title: `Key ${at + 1}` }, text))
const dialog = keysDialog(() => void refresh())

let view: View | undefined
let viewName: string | undefined
let timer: ReturnType<typeof setTimeout> | undefined
/** When the current view was last refreshed without an error, in milliseconds since 1970. */
let lastSuccess: number | undefined
let newestRefresh = 0
/** Why the address gave no keys. It is shown until there is a key. */
let linkFailure: unknown

/** Opens the view that the address names, or the first one. Does nothing when it is open already. */
function openPage(): void {
  const at = Math.max(
    0,
    pages.findIndex(([name]) => location.hash === `#/${name}`),
  )
  const [name, text, open] = pages[at] ?? []
  if (!open || !name || name === viewName) return
  viewName = name
  view?.dispose()
  view = open(() => void refresh())
  lastSuccess = undefined
  title.textContent = text ?? ''
  document.title = `${text} · Millrace`
  content.className = name
  fill(content, view.element)
  for (const [n, link] of links.entries()) link.toggleAttribute('aria-current', n === at)
  links[at]?.setAttribute('aria-current', 'page')
  void refresh()
}

/** Refreshes the view now and after its interval. Only the newest call schedules the next refresh. */
async function refresh(): Promise<void> {
  const thisRefresh = ++newestRefresh
  clearTimeout(timer)
  const refreshed = view
  if (!refreshed) return
  try {
    if (linkFailure !== undefined && !keyOf('read')) throw linkFailure
    await refreshed.refresh()
    if (refreshed === view) showStatus(undefined)
  } catch (error) {
    if (refreshed === view) showStatus(error)
  }
  if (thisRefresh === newestRefresh && !document.hidden) timer = setTimeout(() => void refresh(), refreshed.intervalMs)
}

/** Shows whether the view is live. After a failed refresh, shows the error and the age of the visible data. */
function showStatus(error: unknown): void {
  if (error === undefined) lastSuccess = Date.now()
  status.textContent = error === undefined ? `live · ${instant(Date.now()).slice(11)} UTC` : 'not live'
  status.classList.toggle('off', error !== undefined)
  failure.hidden = error === undefined
  if (error === undefined) return
  const text = error instanceof ApiError ? `${error.message} (${error.status || 'no response'} ${error.code})` : String(error)
  const age =
    lastSuccess === undefined ? 'No data has been loaded yet.' : `The data shown is from ${instant(lastSuccess).slice(11)} UTC.`
  fill(failure, h('b', {}, text), ` ${age} The console retries automatically.`)
}

function keysDialog(changed: () => void): HTMLDialogElement {
  const fields = scopes.map(scope => h('input', { type: 'password', name: scope, autocomplete: 'off', spellcheck: 'false' }))
  const save = (): void => {
    for (const [at, scope] of scopes.entries()) storeKey(scope, fields[at]?.value.trim() ?? '')
    changed()
  }
  const rows = scopes.map((scope, at) => h('label', {}, `${scope} key`, fields[at]))
  const form = h(
    'form',
    { method: 'dialog', onsubmit: save },
    h('h2', {}, 'Keys'),
    h('p', {}, 'The keys are kept in this tab only. An admin key opens every view. Create one with `millrace keys create`.'),
    ...rows,
    h('button', { class: 'strong' }, 'Use these keys'),
  )
  const element = h('dialog', { 'aria-label': 'Keys' }, form)
  element.addEventListener('beforetoggle', () => {
    for (const [at, scope] of scopes.entries()) if (fields[at]) fields[at].value = storedKey(scope)
  })
  return element
}

function onKey(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLElement && event.target.matches('input, select, textarea')
  if (typing || dialog.open || event.ctrlKey || event.metaKey || event.altKey) return
  const [name] = pages[Number(event.key) - 1] ?? []
  if (name) location.hash = `#/${name}`
  else if (event.key === 'k') dialog.showModal()
  else if (event.key === '/') focusSearch(event)
}

/** Opens the view without waiting for the hashchange event, so that the next key goes to the search field. */
function focusSearch(event: Event): void {
  event.preventDefault()
  location.hash = '#/users'
  openPage()
  content.querySelector('input')?.focus()
}

function skipToContent(event: Event): void {
  event.preventDefault()
  title.focus()
}

/** Takes keys from the address, and opens the view that it names. */
async function onAddress(): Promise<void> {
  try {
    if (await takeKeysFromAddress()) void refresh()
  } catch (error) {
    linkFailure = error
    void refresh()
  }
  openPage()
}

document
  .querySelector('#app')
  ?.append(
    h('a', { class: 'skip', href: '#main', onclick: skipToContent }, 'Skip to content'),
    h(
      'header',
      {},
      h('a', { class: 'brand', href: '#/overview' }, 'Millrace'),
      h('nav', { 'aria-label': 'Views' }, ...links),
      status,
      h('button', { type: 'button', class: 'keys', title: 'Key K', onclick: () => dialog.showModal() }, 'Keys'),
    ),
    h('div', { class: 'head' }, title),
    failure,
    content,
    dialog,
  )
addEventListener('hashchange', () => void onAddress())
addEventListener('keydown', onKey)
document.addEventListener('visibilitychange', () => void (document.hidden || refresh()))
void onAddress()

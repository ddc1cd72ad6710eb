import { ApiError } from './api.ts'
import { fill, h } from './dom.ts'
import { instant } from './format.ts'
import { scopes, storedKey, storeKey, takeKeysFromAddress } from './keys.ts'
import type { Open, View } from './view.ts'
import { overview } from './views/overview.ts'
import { publish } from './views/publish.ts'
import { quarantine } from './views/quarantine.ts'
import { reports } from './views/reports.ts'
import { users } from './views/users.ts'
import { windows } from './views/windows.ts'

/** Name in the address, title, and the view; the numbers 1 to 6 lead there, too. */
const pages: readonly (readonly [name: string, title: string, open: Open])[] = [
  ['overview', 'Overview', overview],
  ['users', 'Users', users],
  ['windows', 'Windows', windows],
  ['reports', 'Reports', reports],
  ['quarantine', 'Quarantine', quarantine],
  ['publish', 'Publish', publish],
]

const title = h('h1', { tabindex: -1 })
const pulse = h('span', { class: 'pulse', role: 'status' })
const trouble = h('div', { class: 'trouble', role: 'alert', hidden: true })
const stage = h('main', { id: 'main' })
const links = pages.map(([name, text], at) => h('a', { href: `#/${name}`, title: `Key ${at + 1}` }, text))
const dialog = keysDialog(() => void refresh())

let view: View | undefined
let opened: string | undefined
let timer: ReturnType<typeof setTimeout> | undefined
let lastGood: number | undefined
let turn = 0

/** Opens the page that the address names, unless it is open. */
function openPage(): void {
  const at = Math.max(
    0,
    pages.findIndex(([name]) => location.hash === `#/${name}`),
  )
  const [name, text, open] = pages[at] ?? pages[0] ?? []
  if (!open || !name || name === opened) return
  opened = name
  view?.end()
  view = open(() => void refresh())
  lastGood = undefined
  title.textContent = text ?? ''
  document.title = `${text} · Millrace`
  stage.className = name
  fill(stage, view.element)
  for (const [n, link] of links.entries()) link.toggleAttribute('aria-current', n === at)
  links[at]?.setAttribute('aria-current', 'page')
  void refresh()
}

/** Reads the page's data now, and again after its time; only the newest reading goes on. */
async function refresh(): Promise<void> {
  const mine = ++turn
  clearTimeout(timer)
  const shown = view
  if (!shown) return
  try {
    await shown.refresh()
    if (shown === view) say(undefined)
  } catch (error) {
    if (shown === view) say(error)
  }
  if (mine === turn && !document.hidden) timer = setTimeout(() => void refresh(), shown.every)
}

/** What is shown while a store is down is old, and says so. */
function say(error: unknown): void {
  if (error === undefined) lastGood = Date.now()
  pulse.textContent = error === undefined ? `live · ${instant(Date.now()).slice(11)} UTC` : 'not live'
  pulse.classList.toggle('off', error !== undefined)
  trouble.hidden = error === undefined
  if (error === undefined) return
  const text = error instanceof ApiError ? `${error.message} (${error.status || 'no answer'} ${error.code})` : String(error)
  const age = lastGood === undefined ? 'Nothing could be read yet.' : `What you see is as of ${instant(lastGood).slice(11)} UTC.`
  fill(trouble, h('b', {}, text), ` ${age} It is tried again by itself.`)
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
    h('p', {}, 'Kept in this tab only. An admin key opens everything; `millrace keys create` makes one.'),
    ...rows,
    h('button', { class: 'strong' }, 'Use these'),
  )
  const made = h('dialog', { 'aria-label': 'Keys' }, form)
  made.addEventListener('beforetoggle', () => {
    for (const [at, scope] of scopes.entries()) if (fields[at]) fields[at].value = storedKey(scope)
  })
  return made
}

function onKey(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLElement && event.target.matches('input, select, textarea')
  if (typing || dialog.open || event.ctrlKey || event.metaKey || event.altKey) return
  const [name] = pages[Number(event.key) - 1] ?? []
  if (name) location.hash = `#/${name}`
  else if (event.key === 'k') dialog.showModal()
  else if (event.key === '/') focusSearch(event)
}

/** The page is opened at once: what is typed next belongs to the search. */
function focusSearch(event: Event): void {
  event.preventDefault()
  location.hash = '#/users'
  openPage()
  stage.querySelector('input')?.focus()
}

function skipToContent(event: Event): void {
  event.preventDefault()
  title.focus()
}

takeKeysFromAddress()
document
  .querySelector('#app')
  ?.append(
    h('a', { class: 'skip', href: '#main', onclick: skipToContent }, 'Skip to content'),
    h(
      'header',
      {},
      h('a', { class: 'brand', href: '#/overview' }, 'Millrace'),
      h('nav', { 'aria-label': 'Views' }, ...links),
      pulse,
      h('button', { type: 'button', class: 'keys', title: 'Key K', onclick: () => dialog.showModal() }, 'Keys'),
    ),
    h('div', { class: 'head' }, title),
    trouble,
    stage,
    dialog,
  )
addEventListener('hashchange', openPage)
addEventListener('keydown', onKey)
document.addEventListener('visibilitychange', () => void (document.hidden || refresh()))
openPage()

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { readLocalOutputs } from '../../cli/target.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { type Console, openConsole, startBrowser, type View, views } from '../fixtures/browser.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let browser: Browser
let outputs: LocalOutputs

beforeAll(async () => {
  outputs = await readLocalOutputs()
  for (const [simulator, count] of [
    ['visits', 200],
    ['actions', 1_200],
    ['users', 150],
    ['interactions', 60],
    ['readings', 3_000],
  ] as const)
    await millraceJson('simulate', simulator, '--count', String(count))
  await untilSettled(240)
  await millraceJson('report', 'duration-p95')
  browser = await startBrowser()
}, 10 * MINUTES)
afterAll(() => browser?.close())

/** Waits for what each view shows when every workload has data. */
const waitForData: Readonly<Record<View, (console: Console) => Promise<void>>> = {
  overview: async ({ page }) => {
    await page.getByText('Kinesis, the event stream').waitFor()
    await page
      .locator('.tile.accepted strong')
      .filter({ hasText: /^[\d,]{3,}$/ })
      .waitFor()
  },
  users: async ({ page }) => {
    await page.locator('input[name=user]').fill('3')
    await page.keyboard.press('Enter')
    await page.getByText('last_5_urls').waitFor()
    await page.getByText('favourite_action').waitFor()
  },
  windows: async ({ page }) => {
    await page.getByText(/windows of the newest day/).waitFor()
    await page.getByRole('region', { name: 'Countries by minute' }).locator('tbody tr').first().waitFor()
  },
  reports: async ({ page }) => {
    await page.getByRole('region', { name: 'duration-p95' }).locator('tbody tr').first().waitFor()
  },
  quarantine: async ({ page }) => {
    const reason = page.getByRole('button', { name: /^(?!all )[a-z_]+ \d+$/ }).first()
    const [code = ''] = (await reason.innerText()).split(' ')
    await reason.click()
    await page.getByRole('region', { name: 'Samples' }).getByText(code).first().waitFor()
  },
  publish: async ({ page }) => {
    await page.getByRole('region', { name: 'Newest in OpenSearch' }).locator('tbody tr').first().waitFor()
  },
}

describe.each(['light', 'dark'] as const)('in the %s theme', theme => {
  test.each(views)(
    '%s shows the data of its workload, without an error, a request to another host or a serious axe violation',
    async view => {
      const console = await openConsole(browser, outputs, { theme })
      await console.go(view)
      await waitForData[view](console)
      expect(await violationsIn(console)).toEqual([])
      expect(console.errors).toEqual([])
      await console.page.context().close()
    },
    MINUTES,
  )
})

/** The serious and critical violations that axe finds, each with its elements. */
async function violationsIn({ page }: Console): Promise<string[]> {
  // `evaluate` uses the debugger, to which the page's Content Security Policy does not apply.
  await page.evaluate(readFileSync(axeSource, 'utf8'))
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

test.each(views)(
  '%s fits the width of a phone',
  async view => {
    const console = await openConsole(browser, outputs, { width: 360 })
    await console.go(view)
    await waitForData[view](console)
    expect(await console.page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await console.page.context().close()
  },
  MINUTES,
)

test(
  'a report of several pages is downloaded whole',
  async () => {
    const { rows } = await millraceJson<{ rows: number }>('report', 'enriched-actions')
    expect(rows).toBeGreaterThan(1000)
    const { page } = await openConsole(browser, outputs)
    await page.locator('nav a[href="#/reports"]').click()
    await page.locator('select[name=report]').selectOption('enriched-actions')
    await page.getByRole('region', { name: 'enriched-actions' }).locator('tbody tr').first().waitFor()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download CSV' }).click()])
    const [header, ...lines] = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split('\r\n')
    expect(header).toMatch(/^\ufeffevent_time,user_id,/)
    expect(lines).toHaveLength(rows)
    await page.context().close()
  },
  2 * MINUTES,
)

test(
  'publishing an interaction shows its event id, and later that its document is indexed',
  async () => {
    const { page } = await openConsole(browser, outputs)
    await page.locator('nav a[href="#/publish"]').click()
    await page.getByRole('button', { name: 'Publish checkout' }).click()
    await page.getByRole('button', { name: 'Publish All engagement' }).click()
    const table = page.getByRole('region', { name: 'Published here' })
    await table.locator('tbody tr').nth(3).waitFor()
    const ids = () => table.locator('tbody tr td:nth-child(3)').allInnerTexts()
    await table.getByText('pending').first().waitFor({ state: 'detached', timeout: MINUTES })
    expect((await ids()).sort()).toEqual(['c', 'c', 'h', 's'])
    expect(await page.locator('code.mine').count()).toBe(4)
    await page.context().close()
  },
  2 * MINUTES,
)

test(
  'keyboard: numbers open views, / focuses the search, K opens the keys, and the focus is visible',
  async () => {
    const { page } = await openConsole(browser, outputs)
    await page.keyboard.press('3')
    await page.getByRole('heading', { level: 1, name: 'Windows' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('3')
    await page.keyboard.press('Enter')
    await page.getByText('last_5_urls').waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('k')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.context().close()
  },
  MINUTES,
)

test(
  'keys are typed once and open every view; they are neither in the URL nor stored outside the tab',
  async () => {
    const { page } = await openConsole(browser, outputs, { withKeys: false })
    await page.getByRole('alert').getByText('key_missing').waitFor()
    await page.getByRole('button', { name: 'Keys' }).click()
    await page.locator('input[name=admin]').fill(outputs.adminKey)
    await page.keyboard.press('Enter')
    await page.locator('.pulse', { hasText: 'live ·' }).waitFor()
    expect(page.url()).not.toContain(outputs.adminKey)
    expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).toBe('{}')
    await page.context().close()
  },
  MINUTES,
)

test(
  'OpenSearch is down: the overview names it, other views say that their data is old, and both recover without a reload',
  async () => {
    const { page } = await openConsole(browser, outputs)
    await page.locator('nav a[href="#/windows"]').click()
    await page.getByText(/windows of the newest day/).waitFor()
    await stopOpenSearch()
    await page
      .getByRole('alert')
      .getByText(/The data shown is from/)
      .waitFor({ timeout: MINUTES })
    await page.getByText(/windows of the newest day/).waitFor()
    await page.locator('nav a[href="#/overview"]').click()
    await page.locator('tr', { hasText: 'search' }).getByText('unreachable').waitFor({ timeout: MINUTES })

    expect((await millrace(['up', '--detach'])).code).toBe(0)
    await page
      .locator('tr', { hasText: 'search' })
      .getByText('reachable', { exact: true })
      .waitFor({ timeout: 2 * MINUTES })
    await page.context().close()
  },
  6 * MINUTES,
)

async function stopOpenSearch(): Promise<void> {
  if (!(await killOpenSearch(localCloud().openSearch))) throw new Error('Cannot stop OpenSearch: it is not running.')
}

import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findTarget, type Target } from '../../cli/target.ts'
import type { Faults } from '../../localstack/cloud/faults.ts'
import { countEach, eachOnce, keyFor, makeFaults } from '../clients/sdk-run.ts'

const MINUTES = 60_000
const EVENTS = 20
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

let browser: Browser
let target: Target
beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`${CHROMIUM} does not exist: install it (Debian: apt-get install chromium) or set CHROMIUM to its path.`)
  target = await findTarget(undefined)
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}, MINUTES)
afterAll(() => browser?.close())

/** Serves a shop page on a different origin. The page sends a user's actions with the SDK of the program. */
async function openShop(program: string, user: number): Promise<{ page: Page; shop: Server; origin: string }> {
  const { shop, origin, serve } = await startShop()
  const key = await keyFor('client', '--origins', origin)
  const actions = Array.from({ length: EVENTS }, (_, n) => ({
    user_id: user,
    app_name: 'sdk',
    event_action: 'click',
    event_category: 'test',
    event_value: n,
  }))
  const { outputFiles } = await build({
    entryPoints: [path.resolve(import.meta.dirname, '../clients/sdk', program)],
    bundle: true,
    write: false,
    define: {
      MILLRACE_URL: JSON.stringify(target.apiUrl),
      MILLRACE_KEY: JSON.stringify(key),
      ACTIONS: JSON.stringify(actions),
      'process.env.NODE_ENV': '"production"',
    },
  })
  serve(
    `<!doctype html><title>Shop</title><script type="module">${outputFiles[0]?.text.replaceAll('</script', '<\\/script')}</script>`,
  )
  return { page: await browser.newPage(), shop, origin }
}

/** A server of one page, on an origin of its own. */
async function startShop() {
  let html = '<!doctype html><title>Shop</title>'
  const shop = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html))
  await new Promise<void>(done => shop.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  const serve = (page: string): void => {
    html = page
  }
  return { shop, origin, serve }
}

/** Opens the shop and waits until the API has responded with 200 to every event. */
async function visitShop(program: string, user: number, faults: Faults): Promise<void> {
  const { page, shop, origin } = await openShop(program, user)
  // An SDK requests its settings once and sends nothing without them, so the faults start after that request.
  await page.route(/\/settings$|\/sourceConfig\//, async route => {
    const response = await route.fetch()
    await makeFaults(faults)
    await route.fulfill({ response })
  })
  const accepted = new Set<string>()
  try {
    const all = new Promise<void>((done, fail) => {
      const late = setTimeout(() => fail(new Error(`The API accepted only ${accepted.size} of ${EVENTS} events.`)), 2 * MINUTES)
      page.on('response', response => {
        if (response.request().method() !== 'POST' || response.status() !== 200) return
        accepted.add((response.request().postDataJSON() as { messageId: string }).messageId)
        if (accepted.size < EVENTS) return
        clearTimeout(late)
        done()
      })
    })
    await page.goto(origin)
    await all
  } finally {
    await page.close()
    shop.closeAllConnections()
    shop.close()
  }
}

test.each([
  ['@segment/analytics-next', 'segment-browser.ts'],
  ['@rudderstack/analytics-js', 'rudder-browser.ts'],
])(
  '%s in a page: every event is counted once under every fault of the API',
  async (_, program) => {
    expect(await countEach((user, faults) => visitShop(program, user, faults))).toEqual(eachOnce(EVENTS))
  },
  10 * MINUTES,
)

test('a page of an origin that its key does not permit can read why it is refused', async () => {
  const key = await keyFor('client', '--origins', 'https://shop.example.com')
  const { shop, origin } = await startShop()
  const page = await browser.newPage()
  try {
    await page.goto(origin)
    const answer = await page.evaluate(
      async ([url, bearer]) => {
        const init = { method: 'POST', headers: { authorization: `Bearer ${bearer}` }, body: '{"type":"app_action"}' }
        const response = await fetch(`${url}/v1/events`, init)
        return { status: response.status, body: (await response.json()) as unknown }
      },
      [target.apiUrl, key],
    )
    expect(answer).toMatchObject({ status: 403, body: { success: false, code: 'key_origin' } })
  } finally {
    await page.close()
    shop.closeAllConnections()
    shop.close()
  }
})

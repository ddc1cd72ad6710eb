// Takes the pictures of the README from the running product: `node test/console/screenshots.ts`, after `millrace up` and some
// events of every workload.
import { mkdirSync } from 'node:fs'
import { readLocalOutputs } from '../../cli/target.ts'
import { openConsole, startBrowser } from '../fixtures/browser.ts'

const FOLDER = 'docs/screenshots'

mkdirSync(FOLDER, { recursive: true })
const outputs = await readLocalOutputs()
const browser = await startBrowser()
for (const [view, theme] of [
  ['overview', 'light'],
  ['windows', 'dark'],
] as const) {
  const { page, go } = await openConsole(browser, outputs, { theme })
  await go(view)
  await page.locator('.pulse', { hasText: 'live ·' }).waitFor()
  await page.locator('canvas').first().waitFor()
  await page.screenshot({ path: `${FOLDER}/${view}-${theme}.png` })
}
await browser.close()

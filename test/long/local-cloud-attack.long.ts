import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { localTarget, readLocalOutputs } from '../../cli/target.ts'
import { codesFolder } from '../../localstack/api.ts'
import { createCode } from '../../localstack/cloud/console-code.ts'
import { localCloud } from '../../localstack/parts.ts'
import { consoleLink } from '../../shared/console-link.ts'
import { attackFromPage } from '../fixtures/attack-page.ts'
import { startBrowser } from '../fixtures/browser.ts'
import { functionNames } from '../fixtures/function-names.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('attack')

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser?.close())

test('a page of another local origin creates and runs no function in a real browser', async () => {
  const outputs = await readLocalOutputs()
  const file = path.join(folder, 'user')
  const refused = expect.stringContaining('Failed to fetch')
  expect(await attackFromPage(browser, outputs.awsEndpointUrl, file)).toEqual({ created: refused, run: refused })
  expect(existsSync(file)).toBe(false)
  expect(await functionNames(localTarget(outputs))).not.toContain('attack')
})

test('the link of `up` opens the console once, and leaves neither code nor keys in the address', async () => {
  const { consoleUrl, readKey } = await readLocalOutputs()
  const link = consoleLink(consoleUrl, createCode(codesFolder(localCloud().api)))
  const open = async () => {
    const page = await browser.newPage()
    await page.goto(link)
    return page
  }
  const first = await open()
  await first.getByText('Kinesis, the event stream').waitFor()
  expect([first.url(), await first.evaluate("sessionStorage.getItem('millrace.key.read')")]).toEqual([consoleUrl, readKey])
  const second = await open()
  await second.getByText('The link was opened already, or is too old.').waitFor()
  expect(second.url()).toBe(consoleUrl)
})

test('keys that are put into the address of an open console are taken and removed', async () => {
  const { consoleUrl, adminKey } = await readLocalOutputs()
  const page = await browser.newPage()
  await page.goto(consoleUrl)
  await page.getByText('This view needs a key').waitFor()
  await page.evaluate(`location.hash = '#admin=${adminKey}'`)
  await page.getByText('Kinesis, the event stream').waitFor()
  expect(page.url()).toBe(consoleUrl)
})

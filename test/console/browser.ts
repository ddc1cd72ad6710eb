import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { LocalOutputs } from '../../shared/outputs.ts'

const places = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/** Starts the machine's own Chromium; throws with the command that installs it. */
export function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? places.find(place => existsSync(place))
  if (!executablePath) throw new Error('There is no Chromium: apt-get install chromium, or set CHROMIUM to the path of one.')
  // Root, as which builds often run, cannot have Chromium's sandbox; the pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
}

export const views = ['overview', 'users', 'windows', 'reports', 'quarantine', 'publish'] as const
export type View = (typeof views)[number]

interface Opening {
  readonly theme?: 'light' | 'dark'
  readonly width?: number
  /** Without keys: as on a stage, where somebody types them. */
  readonly withKeys?: boolean
}

/** A console in a browser, and what went wrong in it. */
export interface Console {
  readonly page: Page
  /** Errors of scripts and of the console, and requests that went to other hosts. */
  readonly errors: readonly string[]
  go(view: View): Promise<void>
}

/** Opens the console as `up` does, with the local keys. */
export async function openConsole(browser: Browser, outputs: LocalOutputs, opening: Opening = {}): Promise<Console> {
  const { theme = 'light', width = 1280, withKeys = true } = opening
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height: 900 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  page.on('console', message => void (message.type() === 'error' && errors.push(`${message.text()} ${message.location().url}`)))
  page.on('request', request => void (isElsewhere(request.url(), outputs.apiUrl) && errors.push(`loads ${request.url()}`)))
  await page.goto(withKeys ? outputs.consoleUrl : `${outputs.apiUrl}/`)
  return { page, errors, go: async view => void (await page.locator(`nav a[href="#/${view}"]`).click()) }
}

const isElsewhere = (url: string, own: string): boolean =>
  !url.startsWith(own) && !url.startsWith('data:') && !url.startsWith('blob:')

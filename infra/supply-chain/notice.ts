// node infra/supply-chain/notice.ts: checks the licences of production dependencies, and NOTICE. With --write it writes NOTICE.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type LicensedPackage, planNotice } from './plan-notice.ts'
import { type Lock, licenceProblems, type ShippedPackage, shippedPackages } from './shipped-packages.ts'

const NOTICE = 'NOTICE'

/** The first file of a package whose name matches, as text. */
function textOf(folder: string, name: RegExp): string | undefined {
  const file = readdirSync(folder).find(each => name.test(each))
  return file === undefined ? undefined : readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()
}

const withTexts = (shipped: ShippedPackage): LicensedPackage => ({
  ...shipped,
  text: textOf(shipped.folder, /^(licen[cs]e|copying)/i),
  notice: textOf(shipped.folder, /^notice/i),
})

/** The text that NOTICE must have. */
export const noticeText = (lock: Lock): string => planNotice(shippedPackages(lock).map(withTexts))

function problemsOf(lock: Lock): string[] {
  const problems = licenceProblems(lock)
  const isCurrent = readFileSync(NOTICE, 'utf8') === noticeText(lock)
  return isCurrent ? problems : [...problems, 'NOTICE does not list what is shipped: run `npm run notice`.']
}

if (process.argv[1] === import.meta.filename) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
  if (process.argv.includes('--write')) writeFileSync(NOTICE, noticeText(lock))
  const problems = problemsOf(lock)
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}

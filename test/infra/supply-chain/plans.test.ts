import { readFileSync } from 'node:fs'
import { buildConsole } from '../../../console/build.ts'
import { noticeText } from '../../../infra/supply-chain/notice.ts'
import { advisories, signatures } from '../../../infra/supply-chain/plan-audit.ts'
import { planNotice } from '../../../infra/supply-chain/plan-notice.ts'
import { productionSbom } from '../../../infra/supply-chain/plan-sbom.ts'
import { type Lock, licenceProblems, shippedPackages } from '../../../infra/supply-chain/shipped-packages.ts'

const ownLock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock

const lock: Lock = {
  packages: {
    '': { version: '1.0.0', license: 'Apache-2.0' },
    'node_modules/@a/b': { version: '1.0.0', license: 'MIT' },
    'node_modules/c': { version: '2.0.0', license: '(GPL-3.0 OR ISC)' },
    'node_modules/c/node_modules/d': { version: '3.0.0', license: 'Apache-2.0' },
    'node_modules/native': { version: '4.0.0', license: 'MIT', optional: true },
    'node_modules/tool': { version: '5.0.0', license: 'GPL-3.0', dev: true },
  },
}

test('what is shipped is every production dependency that is not optional', () => {
  expect(shippedPackages(lock).map(({ name, version, folder }) => [name, version, folder])).toEqual([
    ['@a/b', '1.0.0', 'node_modules/@a/b'],
    ['c', '2.0.0', 'node_modules/c'],
    ['d', '3.0.0', 'node_modules/c/node_modules/d'],
  ])
})

test.each([
  ['GPL-3.0', 'GPL-3.0'],
  ['(MIT AND GPL-3.0)', '(MIT AND GPL-3.0)'],
  ['SEE LICENSE IN x', 'SEE LICENSE IN x'],
  [undefined, 'no licence'],
])('a production dependency with the licence %s is refused, also if it is optional', (license, named) => {
  expect(licenceProblems(lock)).toEqual([])
  for (const optional of [true, false]) {
    const packages = { ...lock.packages, 'node_modules/e': { version: '6.0.0', optional, ...(license && { license }) } }
    expect(licenceProblems({ packages })).toEqual([
      `e 6.0.0 has ${named}. A production dependency may have 0BSD, Apache-2.0, BSD-2-Clause, BSD-3-Clause, ISC, MIT, MIT-0: replace it.`,
    ])
  }
})

test('the notice has each text once, the copyrights of Apache packages, and their own notices', () => {
  const [b, c, d] = shippedPackages(lock)
  if (!b || !c || !d) throw new Error('Three packages are shipped.')
  const notice = planNotice([
    { ...b, text: 'Copyright 2020 B\n\nPermission', notice: undefined },
    { ...c, text: 'Copyright 2020 B\n\nPermission', notice: undefined },
    { ...d, text: 'terms\n   Copyright 2021 D\n   Copyright [yyyy] [name of copyright owner]', notice: 'D\nuses E' },
  ])
  expect(notice).toContain('d 3.0.0 (Apache-2.0)\n  Copyright 2021 D\n  D\n  uses E\n')
  expect(notice).toContain('@a/b 1.0.0 (MIT)\nc 2.0.0 ((GPL-3.0 OR ISC))\n\nCopyright 2020 B\n\nPermission\n')
  expect(notice.match(/Permission/g)).toHaveLength(1)
})

test('NOTICE and the console keep the licence of the charts', () => {
  const licence = readFileSync('node_modules/uplot/LICENSE', 'utf8').trim()
  expect(licence).toMatch(/^The MIT License[\s\S]*Copyright \(c\) \d{4} Leon Sorokin/)
  expect(readFileSync('NOTICE', 'utf8')).toContain(licence)
  expect(noticeText(ownLock)).toBe(readFileSync('NOTICE', 'utf8'))
  expect(buildConsole()).toContain(`<!doctype html>\n<!--\nuplot 1.6.32\n\n${licence}\n-->`)
})

test('the bill of materials has production dependencies only, also those that development shares', () => {
  const component = (name: string, version: string) => ({ 'bom-ref': `${name}@${version}`, name, version })
  const bom = {
    bomFormat: 'CycloneDX',
    metadata: { component: { 'bom-ref': 'root' } },
    components: [component('@a/b', '1.0.0'), component('c', '2.0.0'), component('tool', '5.0.0'), component('c', '1.0.0')],
    dependencies: [
      { ref: 'root', dependsOn: ['@a/b@1.0.0', 'tool@5.0.0'] },
      { ref: 'tool@5.0.0', dependsOn: ['c@2.0.0'] },
      { ref: '@a/b@1.0.0' },
    ],
  }
  expect(productionSbom(bom, lock)).toEqual({
    ...bom,
    components: [component('@a/b', '1.0.0'), component('c', '2.0.0')],
    dependencies: [
      { ref: 'root', dependsOn: ['@a/b@1.0.0'] },
      { ref: '@a/b@1.0.0', dependsOn: [] },
    ],
  })
})

test.each([
  [
    'severe weaknesses',
    advisories,
    {
      metadata: { vulnerabilities: { high: 1, low: 1, total: 2 } },
      vulnerabilities: { a: { severity: 'high' }, b: { severity: 'low' } },
    },
    { isBad: true, line: 'Advisories: a (high). Update them, or see `npm audit --omit=dev`.' },
  ],
  [
    'others only',
    advisories,
    { metadata: { vulnerabilities: { low: 1, total: 1 } }, vulnerabilities: { b: { severity: 'low' } } },
    { isBad: false, line: 'Advisories: none severe, 1 in all.' },
  ],
  [
    'a registry without the endpoint',
    advisories,
    { message: '405 Method Not Allowed - POST https://registry.example/-/npm/v1/security', error: { summary: '' } },
    { isBad: false, line: 'Advisories: not checked. 405 Method Not Allowed - POST its server' },
  ],
  [
    'wrong signatures',
    signatures,
    { invalid: [{ name: 'a', version: '1.0.0' }], missing: [] },
    { isBad: true, line: 'Signatures: wrong for a 1.0.0. Do not run them: remove node_modules and find out why.' },
  ],
  [
    'no signatures',
    signatures,
    { invalid: [], missing: [{}, {}] },
    { isBad: false, line: 'Signatures: none is wrong, 2 packages have none.' },
  ],
  [
    'no network',
    signatures,
    { error: { summary: 'request to https://keys.example/ failed\nproxy?' } },
    { isBad: false, line: 'Signatures: not checked. request to its server failed' },
  ],
  ['no output', signatures, undefined, { isBad: false, line: 'Signatures: not checked. npm gave no answer.' }],
])('an audit reports %s', (_, check, output, outcome) => {
  expect(check(output === undefined ? '' : JSON.stringify(output))).toEqual(outcome)
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: object }

let out: string
beforeAll(() => {
  out = mkdtempSync(path.join(tmpdir(), 'millrace-nag-'))
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

test('an unacknowledged finding of cdk-nag makes the synthesis fail', () => {
  const settings = JSON.stringify({ ...context, stage: 'dev', 'aws:cdk:bundling-stacks': [] })
  const env = { PATH: process.env['PATH'], CDK_OUTDIR: out, CDK_CONTEXT_JSON: settings }
  const { status, stderr } = spawnSync(process.execPath, ['test/template/unchecked.ts'], { env, encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain('AwsSolutions-S1')
  expect(new Set(stderr.match(/millrace-dev\/\S+/g))).toEqual(new Set(['millrace-dev/Unchecked/Resource']))
}, 60_000)

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../localstack/cache.ts'
import { findPython } from '../../localstack/python.ts'
import { KNOWN_ACTIONS } from './known-actions.ts'

type Documented = Readonly<Record<string, object | null>>

/** What policy_sentry, which is among these Python packages, says about the actions. */
async function documented(actions: readonly string[], env: NodeJS.ProcessEnv): Promise<Documented> {
  const { command } = await findPython()
  const { code, output } = await run(command, [join(import.meta.dirname, 'known-actions.py'), ...actions], { env })
  if (code !== 0) throw new Error(`policy_sentry failed: ${output}`)
  return JSON.parse(output) as Documented
}

/** Compares the file of known actions with policy_sentry, or records it. Returns what is wrong, a sentence for each. */
export async function checkKnownActions(actions: readonly string[], env: NodeJS.ProcessEnv, record: boolean): Promise<string[]> {
  const found = await documented(actions, env)
  const unknown = actions.filter(action => !found[action])
  if (unknown.length > 0) return unknown.map(action => `AWS does not document the action ${action}.`)
  const text = `${JSON.stringify(found, undefined, 2)}\n`
  if (record) writeFileSync(KNOWN_ACTIONS, text)
  return readFileSync(KNOWN_ACTIONS, 'utf8') === text
    ? []
    : [`${KNOWN_ACTIONS} is not what AWS documents about the actions in use. Run \`npm run check:template -- --record\`.`]
}

import type { Command } from 'commander'
import { eventTypes, projections } from '../shared/catalogue.ts'
import { UserError } from '../shared/user-error.ts'
import { savedObjects } from './dashboards/saved-objects.ts'
import { printJson } from './options.ts'
import { reasonOf } from './sending/api.ts'

const TIMEOUT_MS = 60_000

interface ImportResponse {
  readonly success: boolean
  readonly successCount: number
  readonly errors?: readonly { readonly id: string; readonly error: { readonly type: string } }[]
}

export function dashboardsCommand(program: Command): void {
  program
    .command('dashboards')
    .description('print a data view and a dashboard per workload as saved objects of OpenSearch Dashboards, or import them')
    .option('--url <url>', 'import them into the OpenSearch Dashboards at this URL and replace older versions')
    .option('--user <name:password>', 'log in to OpenSearch Dashboards with basic authentication')
    .option('--json', 'print one JSON value: an array of the objects instead of lines, or how many were imported')
    .action(async ({ url, user, json }: { url?: string; user?: string; json?: true }) => {
      const objects = savedObjects(eventTypes, projections)
      const lines = objects.map(object => `${JSON.stringify(object)}\n`).join('')
      if (url === undefined) return json ? printJson(objects) : void process.stdout.write(lines)
      const imported = await importObjects(url, lines, user)
      if (json) printJson({ imported })
      else console.log(`${imported} saved objects imported.`)
    })
}

/** Imports saved objects, one JSON object per line. Returns their number. Throws a UserError with the reason that Dashboards give. */
export async function importObjects(url: string, ndjson: string, user: string | undefined): Promise<number> {
  const form = new FormData()
  form.append('file', new Blob([ndjson], { type: 'application/x-ndjson' }), 'millrace.ndjson')
  const headers = {
    'osd-xsrf': 'true',
    ...(user !== undefined && { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
  }
  const target = `${url.replace(/\/$/, '')}/api/saved_objects/_import?overwrite=true`
  const response = await fetch(target, { method: 'POST', headers, body: form, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    error => {
      throw new UserError(
        `${url} does not respond (${reasonOf(error)}). Give the URL of OpenSearch Dashboards, such as http://127.0.0.1:5601.`,
      )
    },
  )
  if (!response.ok)
    throw new UserError(
      `OpenSearch Dashboards responded with ${response.status}, check --url and --user: ${(await response.text()).slice(0, 200)}`,
    )
  const { success, successCount, errors = [] } = (await response.json()) as ImportResponse
  if (!success)
    throw new UserError(`OpenSearch Dashboards rejected ${errors.map(({ id, error }) => `${id} (${error.type})`).join(', ')}`)
  return successCount
}

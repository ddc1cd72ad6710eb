import type { Headers } from '../../shared/http.ts'
import { paths } from '../../shared/routes.ts'

const SECONDS_CACHED = 300
const PROJECT = /^\/v1\/projects\/([^/]+)\/settings$/

/** What SDKs in browsers ask for at their start; undefined for any other path. It needs no store: an SDK that is refused stays silent. */
export function sdkSettings(
  path: string,
  headers: Headers,
  query: Readonly<Record<string, string | undefined>> | undefined,
): { readonly seconds: number; readonly body: object } | undefined {
  const [, project] = PROJECT.exec(path) ?? []
  if (project) return { seconds: SECONDS_CACHED, body: segmentSettings(project, headers) }
  if (path === paths.sourceConfig) return { seconds: SECONDS_CACHED, body: rudderSource(query?.['writeKey'] ?? 'millrace') }
  return undefined
}

/** Sends the browser's events to the host that it asked; without its metrics of itself. */
const segmentSettings = (key: string, headers: Headers): object => ({
  integrations: {
    'Segment.io': { apiKey: key, apiHost: `${headers['host']}/v1`, protocol: headers['x-forwarded-proto'] ?? 'http' },
  },
  plan: { track: {} },
  metrics: { sampleRate: 0 },
})

const rudderSource = (key: string): object => ({
  source: {
    id: key,
    name: 'Millrace',
    writeKey: key,
    enabled: true,
    workspaceId: 'millrace',
    config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
    destinations: [],
  },
})

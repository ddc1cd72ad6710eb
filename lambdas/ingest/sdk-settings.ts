import type { Headers } from '../../shared/http.ts'
import { paths } from '../../shared/routes.ts'

const CACHE_SECONDS = 300
const SEGMENT_SETTINGS_PATH = /^\/v1\/projects\/([^/]+)\/settings$/

/**
 * The settings that browser SDKs load when they start. Undefined for any other path. Reads no store, so that it cannot fail:
 * an SDK that gets no settings sends no events.
 */
export function sdkSettings(
  path: string,
  headers: Headers,
  query: Readonly<Record<string, string | undefined>> | undefined,
): { readonly seconds: number; readonly body: object } | undefined {
  const [, key] = SEGMENT_SETTINGS_PATH.exec(path) ?? []
  if (key) return { seconds: CACHE_SECONDS, body: segmentSettings(key, headers) }
  if (path === paths.sourceConfig) return { seconds: CACHE_SECONDS, body: rudderSource(query?.['writeKey'] ?? 'millrace') }
  return undefined
}

/** Makes the SDK send its events to the host of this request, and no metrics about itself. */
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

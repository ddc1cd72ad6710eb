import type { Dialect, DialectRoute, SettingsRequest } from '../dialect.ts'
import { type Call, calls, decodeCalls } from './segment-calls.ts'

type CallName = Call | (typeof calls)[Call]

const callsByName: ReadonlyMap<string, Call> = new Map(
  Object.entries(calls).flatMap(([call, letter]) => [call, letter].map(name => [name, call as Call])),
)

const callRoutes = Object.fromEntries(
  [...callsByName].map(([name, call]) => [
    `POST /v1/${name}`,
    { serves: 'events', about: `One ${call} call of a Segment SDK.` } satisfies DialectRoute,
  ]),
  // Object.fromEntries loses the names.
) as Readonly<Record<`POST /v1/${CallName}`, Extract<DialectRoute, { serves: 'events' }>>>

const batch = { serves: 'events', about: 'A batch of calls of a Segment SDK.' } as const satisfies DialectRoute

/** Calls of the Segment API, one or a batch, as the SDKs of Segment and RudderStack send them. */
export const segment = {
  name: 'segment',
  routes: {
    ...callRoutes,
    'POST /v1/batch': batch,
    'POST /v1/b': batch,
    'POST /v1/import': batch,
    'POST /beacon/v1/batch': {
      serves: 'events',
      about: 'A batch of calls that a page sends when it closes. The key is in ?writeKey=.',
    },
    'POST /v1/m': {
      serves: 'nothing',
      about: 'Metrics of Segment SDKs about themselves. They are accepted but not stored.',
    },
    'GET /v1/projects/{key}/settings': {
      serves: 'settings',
      about: 'The settings that a Segment SDK in a browser loads at its start.',
      settings: segmentSettings,
    },
    'GET /sourceConfig': {
      serves: 'settings',
      about: 'The configuration that a RudderStack SDK in a browser loads at its start.',
      settings: rudderSource,
    },
  },
  read: ({ body }) => body.batch(),
  decode: (body, { route, eventTypes }, keyName) => decodeCalls(body, { pathCall: callIn(route), eventTypes, keyName }),
  corsHeaders: [
    'x-retry-count',
    'anonymousid',
    'sentat',
    'rsa-retry-attempt',
    'rsa-since-last-attempt',
    'rsa-since-first-attempt',
    'rsa-retry-reason',
    'rsa-recovered',
  ],
} as const satisfies Dialect

/** The call in the path of a route; undefined for a batch. */
const callIn = (route: string): Call | undefined => callsByName.get(route.split('/').at(-1) ?? '')

/** Makes the SDK send its events to this stage, and no metrics about itself. */
function segmentSettings({ parameters: { key }, headers, host }: SettingsRequest): object {
  const protocol = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return {
    integrations: { 'Segment.io': { apiKey: key, apiHost: `${host}/v1`, protocol } },
    plan: { track: {} },
    metrics: { sampleRate: 0 },
  }
}

function rudderSource({ query }: SettingsRequest): object {
  const key = query['writeKey'] ?? 'millrace'
  return {
    source: {
      id: key,
      name: 'Millrace',
      writeKey: key,
      enabled: true,
      workspaceId: 'millrace',
      config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
      destinations: [],
    },
  }
}

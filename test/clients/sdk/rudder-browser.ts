import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'

declare const MILLRACE_URL: string
declare const MILLRACE_KEY: string
declare const ACTIONS: readonly Record<string, string | number>[]

const analytics = new RudderAnalytics()
analytics.load(MILLRACE_KEY, MILLRACE_URL, { configUrl: MILLRACE_URL })
for (const properties of ACTIONS) {
  analytics.track('app_action', properties)
}

import { AnalyticsBrowser } from '@segment/analytics-next'

declare const MILLRACE_URL: string
declare const MILLRACE_KEY: string
declare const ACTIONS: readonly object[]

const analytics = AnalyticsBrowser.load({ writeKey: MILLRACE_KEY, cdnURL: MILLRACE_URL })
for (const properties of ACTIONS) {
  void analytics.track('app_action', properties)
}

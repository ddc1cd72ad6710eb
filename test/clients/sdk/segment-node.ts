import { Analytics } from '@segment/analytics-node'
import { actions, userId } from './actions.ts'

const { MILLRACE_URL = '', MILLRACE_KEY = '' } = process.env

const analytics = new Analytics({ writeKey: MILLRACE_KEY, host: MILLRACE_URL })
for (const properties of actions) {
  analytics.track({ userId, event: 'app_action', properties })
}
await analytics.closeAndFlush()

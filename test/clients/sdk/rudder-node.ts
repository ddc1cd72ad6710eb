import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { actions, userId } from './actions.ts'

const { MILLRACE_URL = '', MILLRACE_KEY = '' } = process.env

const analytics = new RudderAnalytics(MILLRACE_KEY, { dataPlaneUrl: MILLRACE_URL })
for (const properties of actions) {
  analytics.track({ userId, event: 'app_action', properties })
}
await analytics.flush()

import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents'
import { actions } from './actions.ts'

const { MILLRACE_URL = '', MILLRACE_KEY = '' } = process.env

const headers = { authorization: `Bearer ${MILLRACE_KEY}` }
const emit = emitterFor(httpTransport(`${MILLRACE_URL}/v1/events`), { mode: Mode.BINARY })
const emitStructured = emitterFor(httpTransport(`${MILLRACE_URL}/v1/events`), { mode: Mode.STRUCTURED })
for (const [n, data] of actions.entries()) {
  if (n % 2 === 0) await emit(new CloudEvent({ source: '/shop', type: 'app_action', data }), { headers })
  else await emitStructured(new CloudEvent({ source: '/shop', type: 'app_action', traceparent: '00-1', data }), { headers })
}

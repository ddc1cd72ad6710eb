import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents'
import { actions } from './actions.ts'

const { MILLRACE_URL = '', MILLRACE_KEY = '' } = process.env

const headers = { authorization: `Bearer ${MILLRACE_KEY}` }
const emit = emitterFor(httpTransport(`${MILLRACE_URL}/v1/events`), { mode: Mode.BINARY })
const emitStructured = emitterFor(httpTransport(`${MILLRACE_URL}/v1/events`), { mode: Mode.STRUCTURED })
const half = actions.length / 2
for (const data of actions.slice(0, half)) {
  await emit(new CloudEvent({ source: '/shop', type: 'app_action', data }), { headers })
}
for (const data of actions.slice(half)) {
  await emitStructured(new CloudEvent({ source: '/shop', type: 'app_action', traceparent: '00-1', data }), { headers })
}

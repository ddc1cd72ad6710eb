import type { Agent } from 'node:http'
import { type Connection, errors } from '@opensearch-project/opensearch'

/**
 * A connection class that sends a request once more after a connection error. Lambda freezes a function between its calls, and
 * OpenSearch closes idle sockets meanwhile: the first request after the thaw meets a closed socket. A request that OpenSearch had
 * executed before the socket closed changes nothing the second time: writes have versions or create only.
 */
export const retryingConnection = (Base: typeof Connection): typeof Connection =>
  class extends Base {
    override request(...[parameters, callback]: Parameters<Connection['request']>): ReturnType<Connection['request']> {
      return super.request(parameters, (error, response) => {
        if (!(error instanceof errors.ConnectionError)) return callback(error, response)
        closeIdleSockets(this.agent)
        super.request(parameters, callback)
      })
    }
  }

/** The sockets that idled beside a closed one are closed, too, and the second attempt must not get one of them. */
function closeIdleSockets({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy()
}

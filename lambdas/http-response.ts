import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'

/** The response to a request with this method: to HEAD, that of GET without its body. */
export function toMethod(method: string, response: APIGatewayProxyStructuredResultV2): APIGatewayProxyStructuredResultV2 {
  if (method !== 'HEAD') return response
  const { body: _body, ...head } = response
  return head
}

import type { IncomingMessage } from 'node:http'

/** After DNS rebinding, a browser sends the requests of a foreign page to 127.0.0.1, with the page's own name as Host. */
export const isLocal = ({ headers: { host = '' } }: IncomingMessage): boolean => /^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(host)

/** Whether a page of another origin sent the request. Without an Origin it may still be an image, a form or a link of that page. */
export const isFromPage = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || !['none', 'same-origin'].includes(String(headers['sec-fetch-site'] ?? 'none'))

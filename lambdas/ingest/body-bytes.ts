import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { MAX_BODY_BYTES } from '../../shared/limits.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'

/** A request body as API Gateway passes it. */
export interface EncodedBody {
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
}

/** First bytes of compressed data that is not gzip, in hex. zlib is the coding `deflate`. Brotli has no such bytes. */
const COMPRESSED: readonly (readonly [name: string, start: RegExp])[] = [
  ['zstd', /^28b52ffd/],
  ['deflate', /^78(01|5e|9c|da)/],
  ['xz', /^fd377a585a00/],
  ['bzip2', /^425a68..314159265359/],
  ['lz4', /^04224d18/],
  ['snappy', /^ff060000734e61507059/],
  ['zip', /^504b0304/],
]

/**
 * The decompressed bytes of a body. Gzip is detected by its magic bytes, because clients and gateways mislabel bodies. Any other
 * compression is rejected, because its bytes would look like an event that is not JSON.
 */
export function bodyBytes(
  { body = '', isBase64Encoded }: EncodedBody,
  contentEncoding = '',
  limit = MAX_BODY_BYTES,
): Buffer | Rejection {
  // Reading gzip as text lost bytes. The client still has them, so `unavailable` asks it to send them again.
  if (!isBase64Encoded && body.startsWith('\u001f\ufffd'))
    return reject('unavailable', 'The gateway damaged the compressed body; send it uncompressed.')
  // A text never has more characters than bytes, in base64 at most four for three bytes.
  if (body.length > (isBase64Encoded ? Math.ceil(limit / 3) * 4 + 4 : limit)) return reject('body_too_large')
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  if (bytes.length > limit) return reject('body_too_large')
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return inflate(bytes, limit)
  const compression = compressionOf(bytes, contentEncoding)
  return compression === undefined ? bytes : reject('unsupported_format', unsupportedCompression(compression))
}

const unsupportedCompression = (name: string): string =>
  `The body is compressed with ${name}, and only gzip is supported. Send it with gzip, or uncompressed.`

/** The compression of a body that is not gzip. Text is not compressed, whatever its header says. */
function compressionOf(bytes: Buffer, contentEncoding: string): string | undefined {
  if (isUtf8(bytes)) return undefined
  const start = bytes.subarray(0, 10).toString('hex')
  const [found] = COMPRESSED.find(([, pattern]) => pattern.test(start)) ?? []
  return found ?? /\b(br|zstd|deflate|compress)\b/i.exec(contentEncoding)?.[1]?.toLowerCase()
}

/** Input and output are limited, which also limits the time this takes. */
function inflate(bytes: Buffer, limit: number): Buffer | Rejection {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return tooLarge ? reject('body_too_large') : reject('malformed_json', 'The body is not valid gzip; compress it again.')
  }
}

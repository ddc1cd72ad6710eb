import { UsageError } from '../../shared/user-error.ts'

const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/

/** The URL of `--cloud` without a slash at its end. Throws a UserError unless it is http or https at a loopback address of this machine. */
export function cloudAddress(text: string): string {
  const url = URL.parse(text)
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  if (!isOrigin)
    throw new UsageError(
      `--cloud needs the URL of an emulator without a path, such as https://127.0.0.1:4566, not ${shown(url, text)}.`,
    )
  if (isLoopback(url)) return url.origin
  throw new UsageError(
    `--cloud works with an emulator on this machine only, at 127.0.0.1, localhost or [::1], not at ${url.hostname}. Deploy to an AWS account with \`npx cdk deploy -c stage=dev\`.`,
  )
}

/** The text of the user, without the password that a URL may contain. */
const shown = (url: URL | null, text: string): string =>
  url && (url.username || url.password) ? `${url.origin} with a user` : text

/** Whether a URL is at an address of this machine. */
export const isLoopback = ({ hostname }: URL): boolean => LOOPBACK.test(hostname)

/** Whether both texts are the same address of a cloud. */
export const isSameAddress = (address: string, text: string | undefined): boolean =>
  text !== undefined && URL.parse(text)?.href === `${address}/`

import type { UserItem, WindowItem } from '../../shared/state.ts'

/**
 * The windows that an erasure made absent and that may be deleted for good, once the windows function has passed the
 * erasure's image and every invocation that began before it has ended. Until then every reader leaves them out.
 */
export const windowsToSweep = (user: UserItem, windows: readonly WindowItem[]): WindowItem[] =>
  windows.filter(({ version }) => version <= user.erasedOrder)

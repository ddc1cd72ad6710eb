import type { PartItem, UserItem } from '../../shared/state.ts'

/**
 * The windows that an erasure covers. Delete them once the windows function has processed the erasure's image and every
 * invocation that began before that has ended. Until then readers ignore them.
 */
export const windowsToSweep = (user: UserItem, windows: readonly PartItem[]): PartItem[] =>
  windows.filter(({ version }) => version <= user.erasedOrder)

import type { PartItem, UserItem } from '../../shared/state.ts'

/**
 * The windows that an erasure covers. Delete them once the windows function has processed the erasure's image and every
 * invocation that began before that has ended. Until then readers ignore them. Once the function of documents has processed all their
 * images, delete the user's documents again (`deleteErased`): a window that was written after the first deletion, and that expired
 * before the sweep, has left its document.
 */
export const windowsToSweep = (user: UserItem, windows: readonly PartItem[]): PartItem[] =>
  windows.filter(({ version }) => version <= user.erasedOrder)

import { type ItemKey, type UserPage, type UserPages, userPageKey } from '../../shared/state.ts'
import { eachCall, getItem, putItem, type TableTarget } from './dynamodb-access.ts'
import { keyAttributes, readUsersOfPage, userPageAttributes } from './dynamodb-items.ts'

/** Pages with the users of a slot, in the state table: an item for each. */
export const userPagesTable = (target: TableTarget) => ({
  /** The pages of a slot. A page that does not exist any more is left out. */
  readUserPages: async (slot: ItemKey, { version, count }: UserPages): Promise<UserPage[]> => {
    const pages = await eachCall(indices(count), async index => {
      const users = await getItem(target, userPageKey({ slot, version, index }), readUsersOfPage)
      return users && { slot, version, index, users }
    })
    return pages.filter(page => page !== undefined)
  },

  /** Writes pages of a slot. Pages of the same version that exist are the same, and are left as they are. */
  putUserPages: async (pages: readonly UserPage[]): Promise<void> => {
    await eachCall(pages, page => putItem(target, userPageAttributes(page), undefined))
  },

  /** Deletes pages that no item has any more. */
  deleteUserPages: async (slot: ItemKey, { version, count }: UserPages): Promise<void> => {
    const keys = indices(count).map(index => userPageKey({ slot, version, index }))
    await eachCall(keys, key => target.dynamodb.deleteItem({ TableName: target.table, Key: keyAttributes(key) }))
  },
})

const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

import { UserError } from '../shared/user-error.ts'

/** Why the local cloud cannot start on this machine, and what to do. */
export interface Problem {
  readonly message: string
  readonly remedy: string
}

export const errorOf = ({ message, remedy }: Problem): UserError => new UserError(`${message} ${remedy}`)

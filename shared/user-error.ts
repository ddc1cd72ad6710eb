/** An error that the user can fix. Its message is one line that says what to do. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
}

/** The command was called with wrong arguments: it exits with 2. */
export class UsageError extends UserError {
  override readonly name = 'UsageError'
}

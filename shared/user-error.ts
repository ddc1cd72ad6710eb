/** An error that the user can fix. Its message is one line that says what to do. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

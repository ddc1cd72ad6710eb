/** Something a person can mend: its message is one line that says what to do. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

/** A part of a policy that can be deleted without a call that is wrongly refused or allowed, with the reason why it stays. Never a Deny. */
export interface Exception {
  /** Matches what a deletion says. */
  readonly what: RegExp
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    what: /^SearchDomain: Allow es:/,
    reason:
      'It leaves the decision to the roles of the account, which AWS would do without it, too. It says so, and keeps anybody from adding a role.',
  },
]

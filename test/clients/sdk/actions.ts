/** What each program of this folder sends: MILLRACE_EVENTS actions of the user MILLRACE_USER. */
export const userId = process.env['MILLRACE_USER'] ?? '1'

export const actions = Array.from({ length: Number(process.env['MILLRACE_EVENTS'] ?? 1) }, (_, n) => ({
  user_id: Number(userId),
  app_name: 'sdk',
  event_action: 'click',
  event_category: 'test',
  event_value: n,
}))

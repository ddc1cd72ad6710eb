import type { Route } from '../../shared/routes.ts'

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '')

const rowOf = ({ method, path, scope, about }: Route): string => {
  const shown = `<code>${escaped(path)}</code>`
  const opens = method === 'GET' && scope === null && !path.includes('{')
  const where = opens ? `<a href="${escaped(path)}">${shown}</a>` : shown
  return `<tr><td>${method}<td>${where}<td>${scope ?? 'none'}<td>${escaped(about)}`
}

/** The page at `/`: what answers here, and with which key. */
export const page = (routes: readonly Route[]): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: top }
</style>
<h1>Millrace</h1>
<p>Event analytics on your own AWS account: every accepted event is in every store, exactly once. This is its API.
<table>
<thead><tr><th>Method<th>Path<th>Key<th>What it does
<tbody>
${routes.map(rowOf).join('\n')}
</table>
<p>Send the key as <code>Authorization: Bearer KEY</code>; <code>millrace keys create</code> makes one.
</html>
`

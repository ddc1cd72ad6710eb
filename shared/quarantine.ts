/** Where refused events of requests with very many of them wait, in the quarantine's bucket. */
export const REFUSED_PREFIX = 'refused/'
/** Where Lambda leaves the batches that a stream's reader never managed: its own choice of name. */
export const DISCARDED_PREFIX = 'aws/lambda/'
/** Where bodies lie that are too big for the table. */
export const BODIES_PREFIX = 'bodies/'

/** HTTP headers by their lower-case names, as API Gateway passes them. */
export type Headers = Readonly<Record<string, string | undefined>>

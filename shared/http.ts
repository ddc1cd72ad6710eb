/** HTTP headers by their lower-case name, as API Gateway passes them. */
export type Headers = Readonly<Record<string, string | undefined>>

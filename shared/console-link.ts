/** The path at which the local API exchanges the code of a console link for keys. A deployed stage has no such path. */
export const CONSOLE_KEYS_PATH = '/_local/console-keys'

/** A link that opens the console with its keys. Browsers do not send the fragment. */
export const consoleLink = (consoleUrl: string, code: string): string => `${consoleUrl}#code=${code}`

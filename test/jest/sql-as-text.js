/** Lets tests import a report's SQL as the bundler does: as text. */
export default { process: text => ({ code: `export default ${JSON.stringify(text)}` }) }

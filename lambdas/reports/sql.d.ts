/** The bundler hands SQL over as text. */
declare module '*.sql' {
  const text: string
  export default text
}

/** The bundler imports a SQL file as its text. */
declare module '*.sql' {
  const text: string
  export default text
}

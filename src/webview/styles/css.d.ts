/** The text of a style sheet, as esbuild's loader gives it (scripts/build.mjs). */
declare module '*.css' {
  const text: string;
  export default text;
}

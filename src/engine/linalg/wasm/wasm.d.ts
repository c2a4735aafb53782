/** The bytes of a WebAssembly module, see scripts/assemblyScript.mjs. */
declare module '*.wasm' {
  const binary: Uint8Array<ArrayBuffer>;
  export default binary;
}

// What a bundler makes of an import with ?url: the address of the file.
declare module '*?url' {
  const address: string
  export default address
}

// The text of a file, for an import with ?raw.
declare module '*?raw' {
  const text: string
  export default text
}

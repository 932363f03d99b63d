// What a bundler makes of an import with ?url: the address of the file.
declare module '*?url' {
  const address: string
  export default address
}

/** `make`, called once for each object. The results live as long as their objects. */
export function cached<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const results = new WeakMap<K, { readonly value: V }>()
  return (key) => {
    let result = results.get(key)
    if (result === undefined) {
      result = { value: make(key) }
      results.set(key, result)
    }
    return result.value
  }
}

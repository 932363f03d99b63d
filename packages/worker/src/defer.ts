/**
 * Runs `run` after the messages that wait already, so that writes that came together are committed together. A
 * microtask would run between two messages, and a timer later than need be: browsers stretch those to 4 ms.
 */
export function afterWaitingMessages(): (run: () => void) => void {
  const waiting: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => waiting.shift()?.()
  return (run) => {
    waiting.push(run)
    port2.postMessage(null)
  }
}

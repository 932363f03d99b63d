/* The steps of a run: all of them follow from the seed, so that a run can be made again. */

/**
 * `open` a tab (in a window of its own, which is visible, or among others); `reload`, `away`: by the browser, or by the
 * page in the task in which it has written (`inside`); `back` out of the back/forward cache; `terminate`: the page's worker.
 * `cut` and `restore` are the network, `check` compares what is stored with what was acknowledged: these concern no slot.
 */
export type Action =
  | 'open'
  | 'reload'
  | 'away'
  | 'back'
  | 'close'
  | 'crash'
  | 'freeze'
  | 'resume'
  | 'show'
  | 'block'
  | 'terminate'
  | 'burst'
  | 'cut'
  | 'restore'
  | 'check'

export interface Step {
  readonly number: number
  readonly action: Action
  /** Which of the tabs. */
  readonly slot: number
  /** `reload`, `away`: by the page itself. `open`: in a window of its own. */
  readonly inside: boolean
  /** Writes that are made at once. */
  readonly writes: number
  /** `block`: for how long. */
  readonly ms: number
  /** What passes before the next step, in ms. */
  readonly pause: number
}

type State = 'absent' | 'open' | 'away' | 'frozen'

const WEIGHTS: Record<State, Partial<Record<Action, number>>> = {
  absent: { open: 1 },
  open: {
    reload: 6,
    away: 4,
    close: 3,
    crash: 2,
    freeze: 3,
    show: 2,
    block: 2,
    terminate: 2,
    burst: 4,
  },
  away: { back: 5, close: 1 },
  frozen: { resume: 5, close: 1, crash: 1 },
}

const NEXT: Partial<Record<Action, State>> = {
  open: 'open',
  away: 'away',
  back: 'open',
  close: 'absent',
  crash: 'absent',
  freeze: 'frozen',
  resume: 'open',
}

/** What loads something, and so does not happen without a network. */
const LOADS: ReadonlySet<Action> = new Set(['open', 'reload', 'away', 'back'])

const CHECK_EVERY = 50

export interface StepOptions {
  readonly seed: number
  readonly steps: number
  readonly slots: number
  /** What the browser can do. */
  readonly actions: ReadonlySet<Action>
}

export function makeSteps({ seed, steps, slots, actions }: StepOptions): Step[] {
  const random = randomFrom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const states: State[] = Array(slots).fill('absent')
  const list: Step[] = []
  let cutUntil = 0
  for (let number = 1; number <= steps; number++) {
    const add = (action: Action, slot = -1) =>
      list.push({
        number,
        action,
        slot,
        inside: random() < 0.5,
        writes: random() < 0.2 ? below(100) : below(8),
        ms: 200 + below(2_800),
        pause: random() < 0.5 ? 0 : below(150),
      })
    if (number === cutUntil) {
      add('restore')
      cutUntil = 0
      continue
    }
    if (number % CHECK_EVERY === 0) {
      add('check')
      continue
    }
    if (cutUntil === 0 && random() < 0.02 && actions.has('cut') && number + 1 < steps) {
      cutUntil = Math.min(number + 2 + below(8), steps)
      add('cut')
      continue
    }
    // Of a slot that offers nothing while the network is cut, another one.
    for (;;) {
      const slot = below(slots)
      const choices = Object.entries(WEIGHTS[states[slot] as State]).filter(
        ([action]) => actions.has(action as Action) && !(cutUntil > 0 && LOADS.has(action as Action)),
      )
      const action = pick(choices as [Action, number][], random)
      if (action === undefined) {
        if (states.some((state) => state === 'open') || cutUntil === 0) continue
        // Nobody is there to do anything.
        add('restore')
        cutUntil = 0
        break
      }
      states[slot] = NEXT[action] ?? (states[slot] as State)
      add(action, slot)
      break
    }
  }
  return list
}

export function describe({ number, action, slot, inside, writes, ms, pause }: Step): string {
  const details = [
    slot >= 0 && `tab ${slot}`,
    inside &&
      ['reload', 'away', 'open'].includes(action) &&
      (action === 'open' ? 'own window' : 'by the page'),
    ['reload', 'away', 'burst'].includes(action) && `${writes} writes`,
    action === 'block' && `${ms} ms`,
    pause > 0 && `then ${pause} ms`,
  ].filter(Boolean)
  return `${number}. ${action}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}

function pick(choices: readonly [Action, number][], random: () => number): Action | undefined {
  let point = random() * choices.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [action, weight] of choices) {
    point -= weight
    if (point < 0) return action
  }
  return undefined
}

/** Numbers from a seed, from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

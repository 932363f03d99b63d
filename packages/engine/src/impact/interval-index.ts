import { compareValues, type SqlValue } from '@millrace/protocol'

/** One end of an interval of values. */
export interface Bound {
  readonly value: SqlValue
  readonly inclusive: boolean
}

/** SQLite's order of values under one collation. */
export type Compare = (a: SqlValue, b: SqlValue) => number

/**
 * All members of one interval. Nodes are a treap: in order by where the intervals begin, then by where they end;
 * no child has a higher priority than its parent, and priorities are as good as random, so that the depth is O(log n)
 * whatever the order in which intervals come and go.
 */
interface Node<T> {
  readonly low: Bound | null
  readonly high: Bound | null
  /** Never empty. */
  readonly members: Set<T>
  readonly priority: number

  left: Node<T> | null
  right: Node<T> | null
  /** The end, among those of this node and all below it, that lies furthest. */
  furthest: Bound | null
}

/**
 * Intervals of values with members, and the question which of them hold a value: O(log n) steps to the first answer,
 * and at most as many to each next. Adding and removing take O(log n) as well, at once, so nothing is rebuilt later
 * at the cost of a question that is not to blame.
 */
export class IntervalIndex<T> {
  readonly #compare: Compare

  #root: Node<T> | null = null
  /** How many different intervals there are. */
  #size = 0
  /** State of the source of priorities, never 0. From a fixed seed: the same history makes the same tree. */
  #random = 0x9e3779b9

  constructor(compare: Compare = compareValues) {
    this.#compare = compare
  }

  /** How many different intervals there are. */
  get size(): number {
    return this.#size
  }

  /** Puts a member into the interval between the bounds; no bound: open. */
  add(low: Bound | null, high: Bound | null, member: T): void {
    this.#root = this.#put(this.#root, low, high, member)
  }

  /** Takes out what was added with equal bounds. Anything else is left as it is. */
  remove(low: Bound | null, high: Bound | null, member: T): void {
    this.#root = this.#take(this.#root, low, high, member)
  }

  /** Visits the members of every interval that holds the value. A member of several is visited for each. */
  stab(value: SqlValue, visit: (member: T) => void): void {
    this.#stab(this.#root, value, visit)
  }

  #stab(node: Node<T> | null, value: SqlValue, visit: (member: T) => void): void {
    if (node === null || !this.#endsAfter(node.furthest, value)) return
    this.#stab(node.left, value, visit)
    // What is to the right begins no earlier than this one.
    if (!this.#beginsBefore(node.low, value)) return
    if (this.#endsAfter(node.high, value)) for (const member of node.members) visit(member)
    this.#stab(node.right, value, visit)
  }

  #put(node: Node<T> | null, low: Bound | null, high: Bound | null, member: T): Node<T> {
    if (node === null) return this.#leaf(low, high, member)
    const side = this.#order(low, high, node)
    if (side === 0) {
      node.members.add(member)
      return node
    }
    if (side < 0) {
      const left = this.#put(node.left, low, high, member)
      node.left = left
      if (left.priority > node.priority) return this.#raiseLeft(node, left)
    } else {
      const right = this.#put(node.right, low, high, member)
      node.right = right
      if (right.priority > node.priority) return this.#raiseRight(node, right)
    }
    return this.#measured(node)
  }

  #take(node: Node<T> | null, low: Bound | null, high: Bound | null, member: T): Node<T> | null {
    if (node === null) return null
    const side = this.#order(low, high, node)
    if (side === 0) {
      node.members.delete(member)
      if (node.members.size > 0) return node
      this.#size--
      return this.#joined(node.left, node.right)
    }
    if (side < 0) node.left = this.#take(node.left, low, high, member)
    else node.right = this.#take(node.right, low, high, member)
    return this.#measured(node)
  }

  #leaf(low: Bound | null, high: Bound | null, member: T): Node<T> {
    this.#size++
    const priority = this.#nextPriority()
    return { low, high, members: new Set([member]), priority, left: null, right: null, furthest: high }
  }

  /*
   *          node      left
   *          /  \      /  \
   *       left   c -> a   node
   *       /  \            /  \
   *      a    b          b    c
   */
  #raiseLeft(node: Node<T>, left: Node<T>): Node<T> {
    node.left = left.right
    left.right = this.#measured(node)
    return this.#measured(left)
  }

  /** The mirror image of raiseLeft. */
  #raiseRight(node: Node<T>, right: Node<T>): Node<T> {
    node.right = right.left
    right.left = this.#measured(node)
    return this.#measured(right)
  }

  /** One tree of two, all of the left one being before all of the right one. */
  #joined(left: Node<T> | null, right: Node<T> | null): Node<T> | null {
    if (left === null) return right
    if (right === null) return left
    if (left.priority > right.priority) {
      left.right = this.#joined(left.right, right)
      return this.#measured(left)
    }
    right.left = this.#joined(left, right.left)
    return this.#measured(right)
  }

  /** The node, with `furthest` brought up to date from its children. */
  #measured(node: Node<T>): Node<T> {
    let furthest = node.high
    if (node.left !== null) furthest = this.#laterEnd(furthest, node.left.furthest)
    if (node.right !== null) furthest = this.#laterEnd(furthest, node.right.furthest)
    node.furthest = furthest
    return node
  }

  #order(low: Bound | null, high: Bound | null, node: Node<T>): number {
    return this.#orderOfBegins(low, node.low) || this.#orderOfEnds(high, node.high)
  }

  /** An open begin is before all others; at the same value one that includes it is before one that does not. */
  #orderOfBegins(a: Bound | null, b: Bound | null): number {
    if (a === null || b === null) return Number(b === null) - Number(a === null)
    return this.#compare(a.value, b.value) || Number(b.inclusive) - Number(a.inclusive)
  }

  /** An open end is after all others; at the same value one that includes it is after one that does not. */
  #orderOfEnds(a: Bound | null, b: Bound | null): number {
    if (a === null || b === null) return Number(a === null) - Number(b === null)
    return this.#compare(a.value, b.value) || Number(a.inclusive) - Number(b.inclusive)
  }

  #laterEnd(a: Bound | null, b: Bound | null): Bound | null {
    return this.#orderOfEnds(a, b) < 0 ? b : a
  }

  #beginsBefore(low: Bound | null, value: SqlValue): boolean {
    if (low === null) return true
    const order = this.#compare(low.value, value)
    return order < 0 || (order === 0 && low.inclusive)
  }

  #endsAfter(high: Bound | null, value: SqlValue): boolean {
    if (high === null) return true
    const order = this.#compare(value, high.value)
    return order < 0 || (order === 0 && high.inclusive)
  }

  /** xorshift32 (Marsaglia 2003). */
  #nextPriority(): number {
    let x = this.#random
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#random = x
    return x
  }
}

/*
 * In milliseconds. The client's `open` gives up after ten seconds by default: what is told here comes before that, so
 * that the user reads the reason and not only that time was up.
 */

/** How long the handles of a worker that is ending may keep us from the files. Measured: up to 3 s, while it computes. */
export const HANDLES = 8_000
/** How long `connect` looks for an owner. */
export const CONNECT = 9_000
/** After this much silence a page asks whether the owner is still there, and then again and again. */
export const SILENCE = 1_000
/** Questions without an answer until the owner counts as lost. Counted, not timed: hidden pages have slow timers. */
export const QUESTIONS = 8
/** How long a worker may take to close the database before it is terminated; SQLite recovers from that as well. */
export const STOP = 1_000
/** A write that has no answer for about this long is put into the journal, in case that its page ends without a word. */
export const UNANSWERED = 250

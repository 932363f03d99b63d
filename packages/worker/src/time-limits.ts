/*
 * In milliseconds. The client's `open` gives up after ten seconds by default: what is told here comes before that, so
 * that the user reads the reason and not only that time was up.
 */

/** How long the handles of a worker that is ending may keep us from the files. Measured: up to 3 s, while it computes. */
export const HANDLES = 8_000
/** So often does an owner that commits look whether its files are still there. */
export const FILES = 1_000
/** Turns of SILENCE for which `connect` looks for an owner without any sign of life. */
export const CONNECT = 9
/** So often does a worker give a sign of life from within a long statement. */
export const HEARTBEAT = 500
/** After this much silence a page asks whether the owner is still there, and then again and again. */
export const SILENCE = 1_000
/** Questions without an answer until the owner counts as lost. Counted, not timed: hidden pages have slow timers. */
export const QUESTIONS = 8
/** How long a worker may take to close the database before it is terminated; SQLite recovers from that as well. */
export const STOP = 1_000
/** A write that has no answer for about this long is put into the journal, in case that its page ends without a word. */
export const UNANSWERED = 250
/** How long the script of a reader may take to run. Then the owner runs its long queries itself. */
export const READER_START = 20_000
/** After this long without a query a reader ends, and gives its memory back. */
export const READER_IDLE = 30_000

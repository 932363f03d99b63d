import { createEngine, type Engine, type EngineOptions, SETTINGS, type Sqlite } from '@millrace/engine'
import type { Operation, SqlValue } from '@millrace/protocol'
import { type Change, Changes, fill, type Size, schema } from './todos.ts'

/** Where databases are. */
export interface Place {
  /** For one database, empty, with a SQLite of its own. */
  room(): Promise<Room>
  /** Microseconds, for what takes too long to be measured in turns. */
  clock(): number
}

export interface Room extends Omit<EngineOptions, 'schema'> {
  /** Takes it away, when nobody uses it any more. */
  clear(): Promise<void>
}

/** Both write the same, each in its own way. */
export interface Contender {
  /** A transaction of one update. */
  write(change: Change): () => void
  /** A transaction of one statement. */
  exec(sql: string): (parameters: readonly SqlValue[]) => void
  close(): Promise<void>
}

export class Ours implements Contender {
  readonly engine: Engine
  readonly #room: Room
  readonly #changes = new Changes()

  private constructor(engine: Engine, room: Room) {
    this.engine = engine
    this.#room = room
  }

  static async filled(size: Size, place: Place): Promise<Ours> {
    const room = await place.room()
    const engine = createEngine({ ...room, schema: schema(size) })
    engine.write(fill(size).map((sql): Operation => ({ type: 'exec', sql, parameters: [] })))
    return new Ours(engine, room)
  }

  subscribe(sql: string, parameters: readonly SqlValue[]): () => void {
    return this.engine.subscribe(sql, parameters, () => {})
  }

  write(change: Change): () => void {
    return () => {
      const { id, value } = this.#changes.next(change)
      this.engine.write([{ type: 'update', table: 'todo', key: [id], patch: { [change.column]: value } }])
    }
  }

  exec(sql: string): (parameters: readonly SqlValue[]) => void {
    return (parameters) => this.engine.write([{ type: 'exec', sql, parameters }])
  }

  async close(): Promise<void> {
    this.engine.close()
    await this.#room.clear()
  }
}

type Connection = ReturnType<Sqlite['open']>

/** The same data in SQLite alone, with statements prepared ahead: the least that the same work takes without an engine. */
export class Bare implements Contender {
  readonly #connection: Connection
  readonly #room: Room
  readonly #changes = new Changes()

  private constructor(connection: Connection, room: Room) {
    this.#connection = connection
    this.#room = room
  }

  static async filled(size: Size, place: Place): Promise<Bare> {
    const room = await place.room()
    const connection = room.sqlite.open(room.filename, room)
    // As the engine sets it up.
    connection.exec(`${SETTINGS}
      ${schema(size)};
      BEGIN; ${fill(size).join(';')}; COMMIT`)
    return new Bare(connection, room)
  }

  write(change: Change): () => void {
    const update = this.exec(`UPDATE todo SET ${change.column} = ? WHERE id = ?`)
    return () => {
      const { id, value } = this.#changes.next(change)
      update([value, id])
    }
  }

  exec(sql: string): (parameters: readonly SqlValue[]) => void {
    const begin = this.#connection.prepare('BEGIN')
    const statement = this.#connection.prepare(sql)
    const commit = this.#connection.prepare('COMMIT')
    return (parameters) => {
      begin.step()
      begin.reset()
      statement.bind(parameters)
      statement.step()
      statement.reset()
      commit.step()
      commit.reset()
    }
  }

  /** Runs a query for each list of parameters, and reads all rows. */
  rerun(sql: string, parameters: readonly (readonly SqlValue[])[]): () => void {
    const statement = this.#connection.prepare(sql)
    return () => {
      for (const values of parameters) {
        statement.bind(values)
        while (statement.step()) statement.row()
        statement.reset()
      }
    }
  }

  /** The connection goes with the memory of its SQLite. */
  async close(): Promise<void> {
    await this.#room.clear()
  }
}

-- The whole database of the demo. Both apps open it: what is written in one shows in the other.

CREATE TABLE list (
  id       TEXT PRIMARY KEY NOT NULL,
  name     TEXT NOT NULL DEFAULT 'List' CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 80),
  position TEXT NOT NULL DEFAULT ''
);

-- The defaults pass the checks: when rows are merged, their columns arrive one by one.
CREATE TABLE todo (
  id       TEXT PRIMARY KEY NOT NULL,
  list     TEXT NOT NULL DEFAULT '',
  title    TEXT NOT NULL DEFAULT 'Todo' CONSTRAINT title_length CHECK (length(title) BETWEEN 1 AND 200),
  done     INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
  position TEXT NOT NULL DEFAULT ''
);

-- For a list in order; for a list filtered, in order, and its counts; for the end of all lists.
CREATE INDEX todo_in_order ON todo (list, position, id);
CREATE INDEX todo_by_state ON todo (list, done, position, id);
CREATE INDEX todo_by_position ON todo (position);

-- Both can be merged with other copies of themselves, column by column.
SELECT crsql_as_crr('list');
SELECT crsql_as_crr('todo');

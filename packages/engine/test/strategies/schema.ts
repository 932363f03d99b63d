/*
 * Two apps in one database: a project tracker, and todo lists that are replicated. Keys are text, names NOCASE, booleans
 * 0 and 1; who has an issue, when it is due and what it is part of may be NULL.
 */
export const TABLES = `
  CREATE TABLE workspace (id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL COLLATE NOCASE, tier TEXT);
  CREATE TABLE member (
    id TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    email TEXT UNIQUE,
    active INTEGER NOT NULL DEFAULT 1,
    manager_id TEXT REFERENCES member ON DELETE SET NULL ON UPDATE CASCADE);
  CREATE TABLE project (
    id TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    lead_id TEXT REFERENCES member ON DELETE SET NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    position INTEGER);
  CREATE TABLE issue (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES project ON DELETE CASCADE ON UPDATE CASCADE,
    parent_id TEXT REFERENCES issue ON DELETE SET NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'todo',
    priority INTEGER,
    estimate REAL,
    cost REAL,
    assignee_id TEXT REFERENCES member ON DELETE SET NULL,
    due_on TEXT,
    created_at TEXT NOT NULL,
    closed_at TEXT,
    meta TEXT,
    UNIQUE (project_id, number));
  CREATE TABLE label (
    id TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    color TEXT);
  CREATE TABLE issue_label (
    issue_id TEXT NOT NULL REFERENCES issue ON DELETE CASCADE,
    label_id TEXT NOT NULL REFERENCES label ON DELETE CASCADE,
    PRIMARY KEY (issue_id, label_id)) WITHOUT ROWID;
  CREATE TABLE comment (
    id TEXT PRIMARY KEY NOT NULL,
    issue_id TEXT NOT NULL REFERENCES issue ON DELETE CASCADE,
    author_id TEXT REFERENCES member ON DELETE SET NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    edited INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE mention (
    comment_id TEXT NOT NULL REFERENCES comment ON DELETE CASCADE,
    member_id TEXT NOT NULL REFERENCES member ON DELETE CASCADE,
    PRIMARY KEY (comment_id, member_id));
  CREATE TABLE notification (
    id TEXT PRIMARY KEY NOT NULL,
    member_id TEXT NOT NULL REFERENCES member ON DELETE CASCADE,
    issue_id TEXT REFERENCES issue ON DELETE CASCADE,
    kind TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    at TEXT NOT NULL);
  CREATE TABLE issue_read (
    member_id TEXT NOT NULL REFERENCES member ON DELETE CASCADE,
    issue_id TEXT NOT NULL REFERENCES issue ON DELETE CASCADE,
    read_at TEXT NOT NULL,
    PRIMARY KEY (member_id, issue_id)) WITHOUT ROWID;
  CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    issue_id TEXT REFERENCES issue ON DELETE CASCADE,
    member_id TEXT REFERENCES member ON DELETE SET NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    amount INTEGER,
    value,
    data TEXT);
  CREATE TABLE scratch (line TEXT, n INTEGER);

  CREATE VIEW open_issue AS SELECT * FROM issue WHERE status IN ('todo', 'doing');
  CREATE VIEW issue_card AS
    SELECT i.id, i.title, i.status, i.project_id, p.name AS project, m.name AS assignee
    FROM issue i JOIN project p ON p.id = i.project_id LEFT JOIN member m ON m.id = i.assignee_id;
  CREATE VIEW urgent_card AS SELECT c.* FROM issue_card c JOIN open_issue o ON o.id = c.id WHERE o.priority = 1;
  CREATE VIEW project_load AS
    SELECT project_id, count(*) AS issues, sum(estimate) AS estimate FROM issue GROUP BY project_id;

  CREATE VIRTUAL TABLE issue_text USING fts5 (issue_id UNINDEXED, title);
  CREATE TRIGGER issue_text_insert AFTER INSERT ON issue BEGIN
    INSERT INTO issue_text (issue_id, title) VALUES (NEW.id, NEW.title);
  END;
  CREATE TRIGGER issue_text_update AFTER UPDATE OF title ON issue BEGIN
    UPDATE issue_text SET title = NEW.title WHERE issue_id = NEW.id;
  END;

  CREATE TABLE folder (id TEXT PRIMARY KEY NOT NULL, parent_id TEXT, name TEXT NOT NULL COLLATE NOCASE DEFAULT '');
  CREATE TABLE list (
    id TEXT PRIMARY KEY NOT NULL,
    folder_id TEXT,
    name TEXT NOT NULL COLLATE NOCASE DEFAULT '',
    position INTEGER,
    archived INTEGER NOT NULL DEFAULT 0);
  SELECT crsql_as_crr('list');
  CREATE TABLE todo (
    id TEXT PRIMARY KEY NOT NULL,
    list_id TEXT,
    parent_id TEXT,
    title TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    starred INTEGER NOT NULL DEFAULT 0,
    position INTEGER,
    due_on TEXT);
  SELECT crsql_as_crr('todo');
  CREATE TABLE todo_tag (
    todo_id TEXT NOT NULL,
    tag TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (todo_id, tag)) WITHOUT ROWID;
`

/** As a good developer makes them: for each reference, and for what lists are filtered and sorted by. */
export const INDEXES = `
  CREATE INDEX member_workspace ON member (workspace_id, name);
  CREATE INDEX member_manager ON member (manager_id);
  CREATE INDEX project_workspace ON project (workspace_id, position);
  CREATE INDEX project_lead ON project (lead_id);
  CREATE INDEX issue_board ON issue (project_id, status, priority);
  CREATE INDEX issue_parent ON issue (parent_id);
  CREATE INDEX issue_assignee ON issue (assignee_id, status);
  CREATE INDEX issue_status ON issue (status);
  CREATE INDEX issue_due ON issue (due_on) WHERE closed_at IS NULL;
  CREATE INDEX issue_created ON issue (created_at DESC, id DESC);
  CREATE INDEX issue_month ON issue (substr(created_at, 1, 7));
  CREATE INDEX label_workspace ON label (workspace_id, name);
  CREATE INDEX issue_label_label ON issue_label (label_id, issue_id);
  CREATE INDEX comment_issue ON comment (issue_id, created_at);
  CREATE INDEX comment_author ON comment (author_id);
  CREATE INDEX mention_member ON mention (member_id);
  CREATE INDEX notification_inbox ON notification (member_id, seen, at);
  CREATE INDEX notification_issue ON notification (issue_id);
  CREATE INDEX issue_read_issue ON issue_read (issue_id);
  CREATE INDEX activity_issue ON activity (issue_id, at);
  CREATE INDEX activity_member ON activity (member_id);
  CREATE INDEX activity_at ON activity (at DESC);
  CREATE INDEX folder_parent ON folder (parent_id);
  CREATE INDEX list_folder ON list (folder_id, position);
  CREATE INDEX todo_list ON todo (list_id, done, position);
  CREATE INDEX todo_parent ON todo (parent_id);
  CREATE INDEX todo_due ON todo (due_on);
  CREATE INDEX todo_tag_tag ON todo_tag (tag);
`

/** Schema changes in order: entry n leads from `user_version` n to n + 1. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  -- A row stays when its lease has ended: the token must grow for ever.
  CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,
    token   INTEGER NOT NULL,
    expires INTEGER NOT NULL          -- epoch ms; 0: released
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE checkpoints (
    host        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    last        INTEGER NOT NULL,     -- epoch ms
    body        TEXT NOT NULL,
    UNIQUE (host, fingerprint, last)
  ) STRICT;

  CREATE TABLE incidents (
    id       TEXT PRIMARY KEY,
    start    INTEGER NOT NULL,        -- epoch ms, as all times
    "end"    INTEGER NOT NULL,
    resolved INTEGER,
    body     TEXT NOT NULL
  ) STRICT;
  CREATE INDEX incidents_start ON incidents (start, id);
  CREATE INDEX incidents_resolved ON incidents (resolved);

  CREATE TABLE deliveries (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    incident TEXT NOT NULL,
    kind     TEXT NOT NULL,           -- firing, resolved
    time     INTEGER NOT NULL,
    body     TEXT NOT NULL,
    status   TEXT NOT NULL,           -- pending, delivered, dead
    due      INTEGER NOT NULL,
    outcome  TEXT NOT NULL
  ) STRICT;
  CREATE INDEX deliveries_receiver ON deliveries (receiver, incident) WHERE status = 'pending';
  CREATE INDEX deliveries_status ON deliveries (status, seq);
  `,
  `
  CREATE TABLE members (owner TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- As keyText gives it: the JSON text without its quotes.
  ALTER TABLE incidents ADD COLUMN host TEXT;
  UPDATE incidents SET host = substr(body -> '$.host', 2, length(body -> '$.host') - 2);
  CREATE INDEX incidents_open ON incidents (host) WHERE resolved IS NULL;
  `,
  `
  CREATE TABLE silences (id TEXT PRIMARY KEY, until INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX silences_until ON silences (until);
  CREATE INDEX deliveries_held ON deliveries (receiver, incident) WHERE status = 'held';
  `,
  `
  CREATE TABLE marks (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    host TEXT NOT NULL,
    at   INTEGER NOT NULL,
    begins INTEGER,                          -- null: no worker has heard of it
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX marks_host ON marks (host, seq);
  `,
  `
  -- 1: a resolved message that waits for the firing one of its incident.
  ALTER TABLE deliveries ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
  UPDATE deliveries SET waits = 1
  WHERE status = 'pending' AND kind = 'resolved' AND EXISTS (
    SELECT 1 FROM deliveries AS f WHERE f.receiver = deliveries.receiver AND f.incident = deliveries.incident
      AND f.kind = 'firing' AND f.status IN ('pending', 'held'));
  CREATE INDEX deliveries_due ON deliveries (receiver, kind, due) WHERE status = 'pending' AND waits = 0;
  `,
  `
  -- Receivers that asked to be left alone, until when.
  CREATE TABLE pauses (receiver TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- Newest frame of each host; its start is epoch ms.
  CREATE TABLE last_seen (host TEXT PRIMARY KEY, start INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE acks (incident TEXT PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- Which firing message a resolved one waits for is known from its key.
  DROP INDEX deliveries_receiver;
  DROP INDEX deliveries_held;
  `,
  `
  CREATE INDEX deliveries_incident ON deliveries (incident, seq);
  `,
];

/**
 * Migrations, oldest first; `user_version` counts those that were applied. Only ever append: a file written by an
 * older tidegauge must open.
 *
 * Rows of traffic, flows, connections and detections are clustered by (time, series): new rows go to the end of the
 * tree, which keeps transactions small and fast. Names are kept once, in `hosts`, `series`, `identities` and `peers`.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE hosts (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  -- Who is measured: what InfluxDB has as tags.
  CREATE TABLE series (
    id        INTEGER PRIMARY KEY,
    host      INTEGER NOT NULL REFERENCES hosts,
    service   TEXT NOT NULL,
    container TEXT NOT NULL,
    UNIQUE (host, service, container)
  ) STRICT;

  -- What a container was besides its name; it changes with each deployment.
  CREATE TABLE identities (
    id           INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    replica      TEXT NOT NULL,
    image        TEXT NOT NULL,
    container_id TEXT NOT NULL,
    UNIQUE (kind, replica, image, container_id)
  ) STRICT;

  CREATE TABLE host_frames (
    host        INTEGER NOT NULL REFERENCES hosts,
    time        INTEGER NOT NULL, -- start, epoch ms
    duration_ms INTEGER NOT NULL,
    previous    INTEGER,          -- start of the frame before, epoch ms
    lost        INTEGER NOT NULL,
    occupancy   REAL NOT NULL,
    faults      TEXT NOT NULL,    -- joined by commas; empty: complete
    containers  INTEGER NOT NULL,
    PRIMARY KEY (host, time)
  ) STRICT, WITHOUT ROWID;

  -- One row per container alive in the frame. NULL: silent in that direction. Sizes: JSON [[bound, count], ...].
  CREATE TABLE container_traffic (
    time             INTEGER NOT NULL,
    series           INTEGER NOT NULL,
    identity         INTEGER NOT NULL,
    started          INTEGER NOT NULL,
    ended            INTEGER NOT NULL,
    send_messages    INTEGER,
    send_bytes       INTEGER,
    send_sizes       TEXT,
    receive_messages INTEGER,
    receive_bytes    INTEGER,
    receive_sizes    TEXT,
    PRIMARY KEY (time, series)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE detections (
    time     INTEGER NOT NULL,
    series   INTEGER NOT NULL,
    score    REAL NOT NULL,
    scores   TEXT NOT NULL, -- JSON {rule: score}
    seen     REAL NOT NULL,
    expected REAL,
    open     INTEGER NOT NULL,
    PRIMARY KEY (time, series)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE annotations (
    id         TEXT PRIMARY KEY,
    series     INTEGER NOT NULL REFERENCES series,
    start_time INTEGER NOT NULL,
    end_time   INTEGER NOT NULL,
    severity   TEXT NOT NULL,
    state      TEXT NOT NULL,
    title      TEXT NOT NULL,
    text       TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX annotations_by_start ON annotations (start_time);
  `,
  `
  ALTER TABLE host_frames ADD COLUMN flows INTEGER NOT NULL DEFAULT 0;

  -- Who is at the other end of flows. Only grows, like series.
  CREATE TABLE peers (
    id   INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (kind, name)
  ) STRICT;

  CREATE TABLE container_flows (
    time              INTEGER NOT NULL,
    series            INTEGER NOT NULL,
    protocol          TEXT NOT NULL,
    role              TEXT NOT NULL,
    peer              INTEGER NOT NULL,
    port              INTEGER NOT NULL, -- 0: several, folded
    address           TEXT NOT NULL,
    sent_messages     INTEGER NOT NULL,
    sent_bytes        INTEGER NOT NULL,
    received_messages INTEGER NOT NULL,
    received_bytes    INTEGER NOT NULL,
    connections       INTEGER NOT NULL,
    failures          INTEGER NOT NULL,
    PRIMARY KEY (time, series, protocol, role, peer, port)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Buckets of the coarser tiers (core/traffic/rollup.ts); step_ms is the tier's bucket length.
  CREATE TABLE host_rollups (
    step_ms     INTEGER NOT NULL,
    host        INTEGER NOT NULL REFERENCES hosts,
    time        INTEGER NOT NULL, -- start of the bucket, epoch ms
    duration_ms INTEGER NOT NULL,
    frames      INTEGER NOT NULL,
    incomplete  INTEGER NOT NULL,
    lost        INTEGER NOT NULL,
    occupancy   REAL NOT NULL,
    containers  INTEGER NOT NULL, -- rows of traffic_rollups that belong to it
    PRIMARY KEY (step_ms, host, time)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE traffic_rollups (
    step_ms          INTEGER NOT NULL,
    time             INTEGER NOT NULL,
    series           INTEGER NOT NULL,
    duration_ms      INTEGER NOT NULL,
    frames           INTEGER NOT NULL,
    incomplete       INTEGER NOT NULL,
    send_messages    INTEGER NOT NULL,
    send_bytes       INTEGER NOT NULL,
    send_sizes       TEXT NOT NULL,
    receive_messages INTEGER NOT NULL,
    receive_bytes    INTEGER NOT NULL,
    receive_sizes    TEXT NOT NULL,
    PRIMARY KEY (step_ms, time, series)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE host_frames ADD COLUMN connections INTEGER NOT NULL DEFAULT 0;

  -- TCP connections by their ends; without addresses and with port 0: several, folded.
  CREATE TABLE container_connections (
    time   INTEGER NOT NULL,
    series INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    own    TEXT NOT NULL,
    peer   TEXT NOT NULL,
    port   INTEGER NOT NULL, -- the server's
    count  INTEGER NOT NULL,
    PRIMARY KEY (time, series, kind, own, peer, port)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Frames right before this one that were lost on their way here.
  ALTER TABLE host_frames ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
  -- 1: earlier frames of the host are still to come.
  ALTER TABLE host_frames ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Start of the newest day (epoch ms) of which a row has this name; names of before count from here on.
  ALTER TABLE series ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE identities ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE peers ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
  UPDATE series SET seen = COALESCE((SELECT MAX(time) FROM host_frames), 0);
  UPDATE identities SET seen = COALESCE((SELECT MAX(time) FROM host_frames), 0);
  UPDATE peers SET seen = COALESCE((SELECT MAX(time) FROM host_frames), 0);
  `,
  `
  -- Of one of the connections; 0: not known.
  ALTER TABLE container_connections ADD COLUMN client_port INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The same with labels: JSON of an object; empty: none.
  CREATE TABLE labelled_identities (
    id           INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    replica      TEXT NOT NULL,
    image        TEXT NOT NULL,
    container_id TEXT NOT NULL,
    labels       TEXT NOT NULL,
    seen         INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, replica, image, container_id, labels)
  ) STRICT;
  INSERT INTO labelled_identities SELECT id, kind, replica, image, container_id, '', seen FROM identities;
  DROP TABLE identities;
  ALTER TABLE labelled_identities RENAME TO identities;
  `,
  `
  -- How containers ended: JSON of a list; empty: of none.
  ALTER TABLE host_frames ADD COLUMN exits TEXT NOT NULL DEFAULT '';
  `,
  `
  -- The finding with the highest score: JSON of an object; null: of an older version.
  ALTER TABLE annotations ADD COLUMN peak TEXT;
  `,
  `
  -- What rules expected of containers, in the metric's unit.
  CREATE TABLE container_expected (
    time          INTEGER NOT NULL,
    series        INTEGER NOT NULL,
    rule          TEXT NOT NULL,
    direction     TEXT NOT NULL, -- both: of both together
    metric        TEXT NOT NULL,
    expected_low  REAL NOT NULL, -- 0: too little is never an incident
    expected_high REAL,          -- NULL: too much is never one
    PRIMARY KEY (time, series, rule, direction, metric)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Flows in the coarser tiers: of how many frames a bucket has them, and its rows.
  CREATE TABLE host_flow_rollups (
    step_ms INTEGER NOT NULL,
    host    INTEGER NOT NULL REFERENCES hosts,
    time    INTEGER NOT NULL, -- start of the bucket, epoch ms
    frames  INTEGER NOT NULL,
    PRIMARY KEY (step_ms, host, time)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE flow_rollups (
    step_ms           INTEGER NOT NULL,
    time              INTEGER NOT NULL,
    series            INTEGER NOT NULL,
    protocol          TEXT NOT NULL,
    role              TEXT NOT NULL,
    peer              INTEGER NOT NULL,
    port              INTEGER NOT NULL,
    sent_messages     INTEGER NOT NULL,
    sent_bytes        INTEGER NOT NULL,
    received_messages INTEGER NOT NULL,
    received_bytes    INTEGER NOT NULL,
    connections       INTEGER NOT NULL,
    failures          INTEGER NOT NULL,
    PRIMARY KEY (step_ms, time, series, protocol, role, peer, port)
  ) STRICT, WITHOUT ROWID;
  `,
];

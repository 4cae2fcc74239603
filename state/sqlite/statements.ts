export const recordLanes = `INSERT INTO meta (name, value) VALUES ('lanes', ?) ON CONFLICT DO NOTHING`;

export const readLanes = `SELECT value FROM meta WHERE name = 'lanes'`;

/** No row while somebody else holds it. */
export const acquire = `
  INSERT INTO leases (name, owner, token, expires) VALUES (:name, :owner, 1, :expires)
  ON CONFLICT (name) DO UPDATE SET owner = :owner, token = token + 1, expires = :expires
  WHERE owner = :owner OR expires <= :now
  RETURNING token`;

export const holds = `
  SELECT 1 FROM leases WHERE name = :name AND owner = :owner AND token = :token AND expires > :now`;

export const extend = `UPDATE leases SET expires = :expires WHERE name = :name`;

export const announce = `
  INSERT INTO members (owner, expires) VALUES (:owner, :expires)
  ON CONFLICT DO UPDATE SET expires = excluded.expires`;

export const forgetMembers = `DELETE FROM members WHERE expires <= ?`;

export const forgetMember = `DELETE FROM members WHERE owner = ?`;

export const members = `SELECT owner FROM members`;

export const saveCheckpoint = `
  INSERT INTO checkpoints (host, fingerprint, last, body) VALUES (:host, :fingerprint, :last, :body)
  ON CONFLICT DO UPDATE SET body = excluded.body`;

export const replaceCheckpoints = `
  DELETE FROM checkpoints
  WHERE host = :host AND fingerprint = :fingerprint AND last >= :hour AND last < :last`;

export const loadCheckpoint = `
  SELECT body FROM checkpoints WHERE host = :host AND fingerprint = :fingerprint AND last < :before
  ORDER BY last DESC LIMIT 1`;

export const foldedUpTo = `SELECT max(last) AS last FROM checkpoints WHERE host = :host`;

export const allCheckpoints = `SELECT host, fingerprint, last FROM checkpoints`;

export const forgetCheckpoint = `
  DELETE FROM checkpoints WHERE host = :host AND fingerprint = :fingerprint AND last = :last`;

export const saveLastSeen = `
  INSERT INTO last_seen (host, start, body) VALUES (:host, :start, :body)
  ON CONFLICT DO UPDATE SET start = excluded.start, body = excluded.body`;

export const lastSeen = `SELECT body FROM last_seen`;

export const forgetLastSeen = `DELETE FROM last_seen WHERE start < :before`;

/**
 * An owner that folds old frames again produces earlier forms of an incident: those are ignored. One that was reopened has
 * been seen after it was over.
 */
export const writeIncident = `
  INSERT INTO incidents (id, host, start, "end", resolved, body)
  VALUES (:id, :host, :start, :end, :resolved, :body)
  ON CONFLICT (id) DO UPDATE SET
    start = excluded.start, "end" = excluded."end", resolved = excluded.resolved, body = excluded.body
  WHERE excluded."end" >= incidents."end"
    AND (incidents.resolved IS NULL OR excluded.resolved IS NOT NULL OR excluded."end" > incidents.resolved)`;

export const incidents = `
  SELECT body FROM incidents WHERE start < :to AND (resolved IS NULL OR resolved > :from)
  ORDER BY start DESC, id DESC LIMIT :limit`;

export const openIncidents = `
  SELECT body FROM incidents WHERE resolved IS NULL AND host = :host ORDER BY start DESC, id DESC`;

export const forgetIncidents = `DELETE FROM incidents WHERE resolved < :before`;

export const incident = `SELECT body FROM incidents WHERE id = :id`;

/** `ids`: a JSON list. */
export const incidentsOf = `SELECT body FROM incidents WHERE id IN (SELECT value FROM json_each(:ids))`;

/** No row when too many are kept. */
export const saveMark = `
  INSERT INTO marks (host, at, body) SELECT :host, :at, :body WHERE (SELECT count(*) FROM marks) < :limit
  RETURNING seq`;

export const marks = `SELECT seq, begins, body FROM marks WHERE seq > :after ORDER BY seq`;

export const marksOf = `SELECT seq, begins, body FROM marks WHERE host = :host AND seq > :after ORDER BY seq`;

export const beginMarks = `
  UPDATE marks SET begins = max(at, :begins) WHERE host = :host AND begins IS NULL`;

export const forgetMarks = `DELETE FROM marks WHERE at < :before`;

export const saveAck = `
  INSERT INTO acks (incident, at, body)
  SELECT :incident, :at, :body WHERE (SELECT count(*) FROM acks WHERE incident <> :incident) < :limit
  ON CONFLICT (incident) DO UPDATE SET at = excluded.at, body = excluded.body`;

export const acks = `SELECT body FROM acks ORDER BY at, incident`;

export const forgetAcks = `
  DELETE FROM acks WHERE at < :before
    AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.id = acks.incident)`;

export const queueDelivery = `
  INSERT INTO deliveries (key, receiver, incident, kind, time, body, status, due, outcome)
  VALUES (:key, :receiver, :incident, :kind, :time, :body, :status, :due, :outcome)
  ON CONFLICT (key) DO NOTHING`;

/** A resolved message waits while the firing one of its incident and receiver has still to be sent. */
export const letWait = `
  UPDATE deliveries SET waits = EXISTS (
    SELECT 1 FROM deliveries AS f WHERE f.key = :firing AND f.status IN ('pending', 'held', 'grouped'))
  WHERE key = :resolved AND status = 'pending'`;

const dueOf = (kind: string) => `
  SELECT * FROM (
    SELECT seq, kind, due, body, outcome FROM deliveries
    WHERE receiver = :receiver AND kind = '${kind}' AND status = 'pending' AND waits = 0 AND due <= :now
    ORDER BY due, seq LIMIT :limit)`;

export const dueDeliveries = `
  SELECT body, outcome FROM (${dueOf('firing')} UNION ALL ${dueOf('resolved')})
  ORDER BY kind, due, seq LIMIT :limit`;

export const updateDelivery = `
  UPDATE deliveries SET status = :status, due = :due, outcome = :outcome WHERE key = :key`;

export const delivery = `SELECT body, outcome FROM deliveries WHERE key = :key`;

/** `keys`: a JSON list. */
export const deliveriesOf = `
  SELECT body, outcome FROM deliveries WHERE key IN (SELECT value FROM json_each(:keys))`;

export const deliveriesAbout = `SELECT body, outcome FROM deliveries WHERE incident = :incident ORDER BY seq`;

export const deliveryKeys = `SELECT key FROM deliveries WHERE status = :status ORDER BY seq`;

export const deliveries = `
  SELECT body, outcome FROM deliveries WHERE status = :status ORDER BY seq DESC LIMIT :limit`;

/** A finished delivery is known as long as its incident, so that its key is not accepted again. */
export const forgetDeliveries = `
  DELETE FROM deliveries WHERE status NOT IN ('pending', 'held', 'grouped') AND time < :before
    AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.id = deliveries.incident)`;

export const saveSilence = `
  INSERT INTO silences (id, until, body)
  SELECT :id, :until, :body
  WHERE (SELECT count(*) FROM silences WHERE until > :now AND id <> :id) < :limit
  ON CONFLICT (id) DO UPDATE SET until = excluded.until, body = excluded.body`;

export const silences = `SELECT body FROM silences WHERE until > :after ORDER BY until, id`;

export const savePause = `
  INSERT INTO pauses (receiver, until) VALUES (:receiver, :until)
  ON CONFLICT (receiver) DO UPDATE SET until = excluded.until`;

export const pauseOf = `SELECT until FROM pauses WHERE receiver = :receiver`;

export const forgetPauses = `DELETE FROM pauses WHERE until < :now`;

export const forgetSilences = `DELETE FROM silences WHERE until < :before`;

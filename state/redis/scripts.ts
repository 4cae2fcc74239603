import type { Client } from '../../backends/redis/client.ts';

/**
 * Lua scripts. Each runs in Redis as one step and is given all its keys, or the beginning of those that it makes up. A
 * lease is the text `RUN TOKEN OWNER` under a key that Redis expires by its own time; a fenced script changes nothing
 * unless it finds that very text.
 *
 * RUN changes at every start of the server and at a failover. The server may then have forgotten the writes of the last
 * second but not a lease from before, whose owner must not go on as if nothing was lost.
 */
const RUN = `local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')`;
const FENCE = `
    ${RUN}
    if redis.call('GET', KEYS[1]) ~= run .. ' ' .. ARGV[1] then return 0 end`;

/** Added to the arrival of what was never tried: it is due since ever, before all that was, in this order. */
const NEVER_TRIED = -(2 ** 52);

/**
 * `schedule(key)` after each change of a delivery: puts it among those of its receiver that wait for nothing but their
 * time, or takes it out, and so the resolved message of its incident, which waits for the firing one. How keys end is
 * known from `notificationKey`. Needs the keys `outcomes`, `indexes`, `pending`, `held`, `grouped`, and the beginning `due`.
 */
const SCHEDULE = `
    local function place(key)
      local index = redis.call('HGET', indexes, key)
      if not index then return end
      local firing, resolves = string.gsub(key, '%-resolved(%-?%d*)$', '-firing%1')
      local waits = resolves == 1 and (redis.call('ZSCORE', pending, firing) or redis.call('ZSCORE', held, firing)
        or redis.call('ZSCORE', grouped, firing))
      index = cjson.decode(index)
      local own = due .. index.kind .. ':' .. index.receiver
      local arrival = redis.call('ZSCORE', pending, key)
      if waits or not arrival then return redis.call('ZREM', own, key) end
      local time = cjson.decode(redis.call('HGET', outcomes, key)).nextAttempt
      if time == 0 then time = ${NEVER_TRIED} + arrival end
      redis.call('ZADD', own, string.format('%.17g', time), key)
    end
    local function schedule(key)
      place(key)
      local resolved, fires = string.gsub(key, '%-firing(%-?%d*)$', '-resolved%1')
      if fires == 1 then place(resolved) end
    end`;

const SCRIPTS = {
  /** keys: lease, token · args: owner, ttl ms · the new token, or nil while somebody else holds it. */
  acquire: `
    ${RUN}
    local held = redis.call('GET', KEYS[1])
    if held and string.match(held, '^%x+ %d+ (.*)$') ~= ARGV[1] then return false end
    local token = redis.call('INCR', KEYS[2])
    redis.call('SET', KEYS[1], run .. ' ' .. token .. ' ' .. ARGV[1], 'PX', ARGV[2])
    return token`,

  /** keys: lease · args: lease, ttl ms */
  renew: `
    ${FENCE}
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,

  /** keys: leases · args: ttl ms, then each lease · 1 or 0 for each */
  renewAll: `
    ${RUN}
    local held = {}
    for i, key in ipairs(KEYS) do
      local own = redis.call('GET', key) == run .. ' ' .. ARGV[i + 1]
      held[i] = own and redis.call('PEXPIRE', key, ARGV[1]) or 0
    end
    return held`,

  /** keys: lease · args: lease */
  release: `
    ${FENCE}
    return redis.call('DEL', KEYS[1])`,

  /** keys: members · args: owner, ttl ms · all owners */
  announce: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
    return redis.call('ZRANGE', KEYS[1], 0, -1)`,

  /** keys: lease, times, bodies, histories, folded · args: lease, last, body, name of the history, host, start of the hour */
  saveCheckpoint: `
    ${FENCE}
    for _, older in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[6], '(' .. ARGV[2])) do
      redis.call('ZREM', KEYS[2], older)
      redis.call('HDEL', KEYS[3], older)
    end
    redis.call('ZADD', KEYS[2], ARGV[2], ARGV[2])
    redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
    redis.call('SADD', KEYS[4], ARGV[4])
    local folded = tonumber(redis.call('HGET', KEYS[5], ARGV[5]))
    if not folded or folded < tonumber(ARGV[2]) then redis.call('HSET', KEYS[5], ARGV[5], ARGV[2]) end
    return 1`,

  /** keys: lease, newest frames, their starts · args: lease, host, start, body */
  saveLastSeen: `
    ${FENCE}
    redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
    redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
    return 1`,

  /** keys: newest frames, their starts · args: start of the first that stays */
  forgetLastSeen: `
    for _, host in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1])) do
      redis.call('HDEL', KEYS[1], host)
      redis.call('ZREM', KEYS[2], host)
    end
    return 1`,

  /**
   * keys: times, bodies, histories, folded · args: name of the history, host, `last` of those that are forgotten
   *
   * A history without any is none, and a host without any is unknown.
   */
  forgetCheckpoints: `
    for i = 3, #ARGV do
      redis.call('ZREM', KEYS[1], ARGV[i])
      redis.call('HDEL', KEYS[2], ARGV[i])
      if redis.call('HGET', KEYS[4], ARGV[2]) == ARGV[i] then redis.call('HDEL', KEYS[4], ARGV[2]) end
    end
    if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
    return 1`,

  /** keys: times, bodies · args: highest time, as a score of ZRANGEBYSCORE · a body or nil */
  loadCheckpoint: `
    local last = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'LIMIT', 0, 1)[1]
    return last and redis.call('HGET', KEYS[2], last)`,

  /**
   * keys: lease, incident bodies, starts, ends, resolutions, delivery bodies, indexes, outcomes, pending, held, grouped,
   * sequence, beginnings of the due ones and of those about an incident, then for each incident the open ones of its host
   * args: lease, outcome of a new delivery, number of incidents, then id, start, end, resolution or '', body of each,
   * then key, index, body of each notification
   *
   * An owner that folds old frames again produces earlier forms of an incident: those are ignored. One that was reopened
   * has been seen after it was over.
   */
  commit: `
    ${FENCE}
    local indexes, outcomes, pending, held, grouped, due = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[13]
    ${SCHEDULE}
    local i = 4
    local own = 14
    for _ = 1, tonumber(ARGV[3]) do
      own = own + 1
      local id, start, finish, resolved, body = unpack(ARGV, i, i + 4)
      local known = redis.call('ZSCORE', KEYS[4], id)
      local over = resolved == '' and redis.call('ZSCORE', KEYS[5], id)
      local isOld = over and tonumber(finish) <= tonumber(over)
      if not isOld and not (known and tonumber(known) > tonumber(finish)) then
        redis.call('HSET', KEYS[2], id, body)
        redis.call('ZADD', KEYS[3], start, id)
        redis.call('ZADD', KEYS[4], finish, id)
        if resolved ~= '' then
          redis.call('ZADD', KEYS[5], resolved, id)
          redis.call('ZREM', KEYS[own], id)
        else
          redis.call('ZREM', KEYS[5], id)
          redis.call('ZADD', KEYS[own], start, id)
        end
      end
      i = i + 5
    end
    while i <= #ARGV do
      local key, index, body = unpack(ARGV, i, i + 2)
      if redis.call('HSETNX', KEYS[6], key, body) == 1 then
        redis.call('HSET', indexes, key, index)
        redis.call('HSET', outcomes, key, ARGV[2])
        local arrival = redis.call('INCR', KEYS[12])
        redis.call('ZADD', pending, arrival, key)
        redis.call('ZADD', KEYS[14] .. cjson.decode(index).incident, arrival, key)
        schedule(key)
      end
      i = i + 3
    end
    return 1`,

  /** keys: incident bodies, starts, resolutions · args: from, to, limit · bodies, newest start first */
  incidents: `
    local found, offset, limit = {}, 0, tonumber(ARGV[3])
    while #found < limit do
      local ids = redis.call('ZREVRANGEBYSCORE', KEYS[2], '(' .. ARGV[2], '-inf', 'LIMIT', offset, 500)
      if #ids == 0 then break end
      for _, id in ipairs(ids) do
        local resolved = redis.call('ZSCORE', KEYS[3], id)
        if #found < limit and not (resolved and tonumber(resolved) <= tonumber(ARGV[1])) then
          table.insert(found, redis.call('HGET', KEYS[1], id))
        end
      end
      offset = offset + #ids
    end
    return found`,

  /** keys: incident bodies, open ones of a host · bodies, newest start first */
  openIncidents: `
    local found = {}
    for i, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1, 'REV')) do
      found[i] = redis.call('HGET', KEYS[1], id)
    end
    return found`,

  /**
   * keys: due ones of a receiver that fire, that are over, delivery bodies, outcomes · args: now, limit · body and
   * outcome of each
   */
  dueDeliveries: `
    local result = {}
    for set = 1, 2 do
      local left = tonumber(ARGV[2]) - #result / 2
      for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[set], '-inf', ARGV[1], 'LIMIT', 0, left)) do
        table.insert(result, redis.call('HGET', KEYS[3], key))
        table.insert(result, redis.call('HGET', KEYS[4], key))
      end
    end
    return result`,

  /**
   * keys: lease, outcomes, indexes, beginning of the due ones, then those of each status: pending, held and grouped, and
   * the finished · args: lease, then key, outcome, number of the new status's key of each
   */
  updateDeliveries: `
    ${FENCE}
    local outcomes, indexes, due, pending, held, grouped = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
    ${SCHEDULE}
    for a = 2, #ARGV, 3 do
      local arrival
      for i = 5, #KEYS do arrival = arrival or redis.call('ZSCORE', KEYS[i], ARGV[a]) end
      if arrival then
        for i = 5, #KEYS do redis.call('ZREM', KEYS[i], ARGV[a]) end
        redis.call('ZADD', KEYS[tonumber(ARGV[a + 2])], arrival, ARGV[a])
        redis.call('HSET', outcomes, ARGV[a], ARGV[a + 1])
        schedule(ARGV[a])
      end
    end
    return 1`,

  /** keys: lease, pauses · args: lease, receiver, until */
  savePause: `
    ${FENCE}
    redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
    return 1`,

  /**
   * keys: sequence, marks, their origins, numbers of all and of those of the host · args: origin, body, limit · its number,
   * or 0 when too many are kept
   */
  saveMark: `
    if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[3]) then return 0 end
    local seq = redis.call('INCR', KEYS[1])
    redis.call('HSET', KEYS[2], seq, ARGV[2])
    redis.call('HSET', KEYS[3], seq, ARGV[1])
    for i = 4, 5 do redis.call('ZADD', KEYS[i], seq, seq) end
    return seq`,

  /** keys: numbers, marks, their beginnings · args: after · number, beginning or '', body of each, by number */
  marks: `
    local found = {}
    for _, seq in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')) do
      table.insert(found, seq)
      table.insert(found, redis.call('HGET', KEYS[3], seq) or '')
      table.insert(found, redis.call('HGET', KEYS[2], seq))
    end
    return found`,

  /** keys: lease, numbers of those of the host, origins, beginnings · args: lease, beginning */
  beginMarks: `
    ${FENCE}
    for _, seq in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
      local made = string.match(redis.call('HGET', KEYS[3], seq), '^%S+')
      redis.call('HSETNX', KEYS[4], seq, tonumber(made) > tonumber(ARGV[2]) and made or ARGV[2])
    end
    return 1`,

  /** keys: numbers of all, marks, origins, beginnings, what the key of a host's numbers begins with · args: before */
  pruneMarks: `
    for _, seq in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local made, host = string.match(redis.call('HGET', KEYS[3], seq), '^(%S+) (.*)$')
      if tonumber(made) < tonumber(ARGV[1]) then
        redis.call('ZREM', KEYS[5] .. host, seq)
        redis.call('ZREM', KEYS[1], seq)
        for i = 2, 4 do redis.call('HDEL', KEYS[i], seq) end
      end
    end
    return 1`,

  /** keys: acknowledgements · args: incident, body, limit · 0 when there are too many */
  saveAck: `
    if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
      and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    return 1`,

  /** keys: acknowledgements, incident bodies · args: before */
  pruneAcks: `
    for _, incident in ipairs(redis.call('HKEYS', KEYS[1])) do
      if redis.call('HEXISTS', KEYS[2], incident) == 0
        and cjson.decode(redis.call('HGET', KEYS[1], incident)).at < tonumber(ARGV[1]) then
        redis.call('HDEL', KEYS[1], incident)
      end
    end
    return 1`,

  /** keys: silences, their ends · args: id, end, body, now, limit · 0 when there are too many */
  saveSilence: `
    if not redis.call('ZSCORE', KEYS[2], ARGV[1])
      and redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[4], '+inf') >= tonumber(ARGV[5]) then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
    redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
    return 1`,

  /** keys: silences, their ends · args: after · bodies, the first to end first */
  silences: `
    local bodies = {}
    for i, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
      bodies[i] = redis.call('HGET', KEYS[1], id)
    end
    return bodies`,

  /**
   * keys: incident bodies, starts, ends, resolutions, silences, their ends, delivery bodies, indexes, outcomes, pending,
   * held, grouped, beginnings of the due ones and of those about an incident, then the finished ones of each status
   * args: before
   *
   * Whoever takes the deliveries over prunes first: what versions left that kept none by due time, or by incident, is put
   * there here.
   */
  prune: `
    local indexes, outcomes, pending, held, grouped, due = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
    ${SCHEDULE}
    local function about(key) return KEYS[14] .. cjson.decode(redis.call('HGET', indexes, key)).incident end
    for set = 10, 12 do
      local found = redis.call('ZRANGE', KEYS[set], 0, -1, 'WITHSCORES')
      for i = 1, #found, 2 do
        redis.call('ZADD', about(found[i]), found[i + 1], found[i])
        if set == 10 then place(found[i]) end
      end
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. ARGV[1])) do
      redis.call('HDEL', KEYS[1], id)
      for i = 2, 4 do redis.call('ZREM', KEYS[i], id) end
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', '(' .. ARGV[1])) do
      redis.call('HDEL', KEYS[5], id)
      redis.call('ZREM', KEYS[6], id)
    end
    for set = 15, #KEYS do
      local found = redis.call('ZRANGE', KEYS[set], 0, -1, 'WITHSCORES')
      for f = 1, #found, 2 do
        local key = found[f]
        local index = cjson.decode(redis.call('HGET', indexes, key))
        if index.time < tonumber(ARGV[1]) and redis.call('HEXISTS', KEYS[1], index.incident) == 0 then
          redis.call('ZREM', KEYS[set], key)
          redis.call('ZREM', KEYS[14] .. index.incident, key)
          for i = 7, 9 do redis.call('HDEL', KEYS[i], key) end
        else
          redis.call('ZADD', KEYS[14] .. index.incident, found[f + 1], key)
        end
      end
    end
    return 1`,
} as const;

type ScriptName = keyof typeof SCRIPTS;
type Scripted = Record<`tidegauge_${ScriptName}`, (...args: (string | number)[]) => Promise<unknown>>;

/** Runs a script in Redis; what it rejects with is ioredis' own. */
export type Run = (
  script: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/** Teach a client the scripts; returns how to run one. */
export function loadScripts(client: Client): Run {
  for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(`tidegauge_${name}`, { lua });
  const scripted = client as Client & Scripted;
  return (script, keys, args) => scripted[`tidegauge_${script}`](keys.length, ...keys, ...args);
}

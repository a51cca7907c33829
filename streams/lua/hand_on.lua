-- Send on what look-back found. A part that was decided before, or is under way, is not sent. An event that had ended is
-- under way again until its new parts are in; its old ending is one of them, so that the most telling one stands.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes, key of the progress.
-- ARGV: now_ms, ranks packed {ending = rank}, progress,
-- packed {{id, feed, {{part, key of the decided part, shard stream, payload}*}, {{part, ranked}*} of reviews}*}
local inflight, ledger, rows, parts_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, ranks = ARGV[1], cmsgpack.unpack(ARGV[2])

local function counted(feed, final, by)
  local name = string.sub(final, 1, 6) == 'alert:' and 'alert' or final
  redis.call('HINCRBY', ledger, 'disposed|' .. feed .. '|' .. name, by)
end

local sent = 0
for _, item in ipairs(cmsgpack.unpack(ARGV[4])) do
  local id, feed, parts, reviews = item[1], item[2], item[3], item[4]
  local row = redis.call('GET', rows .. id)
  local state = row and string.sub(row, 18) or ''
  local new = {}
  for _, part in ipairs(parts) do
    local waits = state == '>' and redis.call('HEXISTS', parts_of .. id, part[1]) == 1
    if not waits and redis.call('EXISTS', part[2]) == 0 then new[#new + 1] = part end
  end
  if state ~= '' and state ~= '>' then
    local old = ranks[string.match(state, '^[^:]*')] .. '|' .. state
    local best = old
    for _, review in ipairs(reviews) do
      if review[2] < best then best = review[2] end
    end
    if #new > 0 then
      counted(feed, state, -1)
      redis.call('HSET', parts_of .. id, 'before', best)
      redis.call('SET', rows .. id, string.sub(row, 1, 17) .. '>', 'KEEPTTL')
      redis.call('ZADD', inflight, now, id)
    elseif best ~= old then
      counted(feed, state, -1)
      counted(feed, string.sub(best, 3), 1)
      redis.call('SET', rows .. id, string.sub(row, 1, 17) .. string.sub(best, 3), 'KEEPTTL')
    end
  elseif state == '>' then
    for _, review in ipairs(reviews) do redis.call('HSETNX', parts_of .. id, review[1], review[2]) end
  end
  for _, part in ipairs(new) do
    if state ~= '' then redis.call('HSETNX', parts_of .. id, part[1], '') end
    redis.call('XADD', part[3], '*', 'm', part[4])
    sent = sent + 1
  end
end
redis.call('SET', KEYS[5], ARGV[3])
return sent

-- Keep rejected records. The same bytes rejected again raise a count, so that a sender's retries do not flood; what had
-- been replayed waits again.
-- KEYS: index, prefix of items, ledger.  ARGV: packed {now_ms, ttl_s, {{id, feed, reason, payload}*}}
local index, items, ledger = KEYS[1], KEYS[2], KEYS[3]
local batch = cmsgpack.unpack(ARGV[1])
local now, ttl = batch[1], batch[2]
for _, item in ipairs(batch[3]) do
  local key = items .. item[1]
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'b', item[4], 'f', now)
  end
  redis.call('HINCRBY', key, 'n', 1)
  redis.call('HSET', key, 'l', now, 's', 'open')
  redis.call('EXPIRE', key, ttl)
  redis.call('ZADD', index, now, item[1])
  redis.call('HINCRBY', ledger, 'quarantined|' .. item[2] .. '|' .. item[3], 1)
  redis.call('HSET', ledger, 'last|' .. item[2], now)
end
redis.call('ZREMRANGEBYSCORE', index, '-inf', now - ttl * 1000)
return 1

-- Take events in: one atomic step for a batch; each is accepted, known already, or known with other content.
-- KEYS: stream, in-flight set, ledger, prefix of event rows.
-- ARGV: packed {now_ms, ttl_s, {{id, digest, feed, payload, own}*}}
-- `own`: we say it ourselves, so its feed has not spoken.
local stream, inflight, ledger, rows = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batch = cmsgpack.unpack(ARGV[1])
local now, ttl = batch[1], batch[2]
local taken, sums, spoken = {}, {}, {}
for index, item in ipairs(batch[3]) do
  local id, digest, feed = item[1], item[2], item[3]
  local known = redis.call('SET', rows .. id, digest .. '|', 'NX', 'GET', 'EX', ttl)
  local count
  if not known then
    redis.call('XADD', stream, '*', 'e', item[4])
    redis.call('ZADD', inflight, now, id)
    taken[index] = 0
    count = 'accepted|' .. feed
  elseif string.sub(known, 1, 16) == digest then
    taken[index] = 1
    count = 'duplicate|' .. feed
  else
    taken[index] = 2
  end
  if count then sums[count] = (sums[count] or 0) + 1 end
  if count and not item[5] then spoken[feed] = true end
end
local fields = {}
for name in pairs(sums) do fields[#fields + 1] = name end
table.sort(fields)
for _, name in ipairs(fields) do
  redis.call('HINCRBY', ledger, name, sums[name])
  local feed = string.match(name, '|(.*)$')
  if spoken[feed] then redis.call('HSET', ledger, 'last|' .. feed, now) end
end
return taken

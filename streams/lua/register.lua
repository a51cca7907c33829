-- Enter the events of one message in the books, as accept.lua does for what is written here first. A message that comes
-- again (its worker died) is known by its place and counts nothing; what of it was not recognised is to be finished.
-- KEYS: stream, in-flight set, ledger, prefix of event rows, registered places.
-- ARGV: packed {now_ms, ttl_s, partition, offset, {{id, digest, feed, payload}*}, whether it was sent again by us}
local stream, inflight, ledger, rows = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batch = cmsgpack.unpack(ARGV[1])
local now, ttl, partition, offset = batch[1], batch[2], batch[3], batch[4]
local last = redis.call('HGET', KEYS[5], partition)
local again = last and tonumber(last) >= offset
local uncounted = again or batch[6]
local taken, sums = {}, {}
for index, item in ipairs(batch[5]) do
  local id, digest, feed = item[1], item[2], item[3]
  local known = redis.call('SET', rows .. id, digest .. '|', 'NX', 'GET', 'EX', ttl)
  local count
  if not known then
    redis.call('XADD', stream, '*', 'e', item[4])
    redis.call('ZADD', inflight, now, id)
    taken[index] = 0
    count = 'accepted|' .. feed
  elseif string.sub(known, 1, 16) ~= digest then
    taken[index] = 2
  else
    if #known == 17 then taken[index] = 3 else taken[index] = 1 end
    if not uncounted then count = 'duplicate|' .. feed end
  end
  if count then sums[count] = (sums[count] or 0) + 1 end
end
local fields = {}
for name in pairs(sums) do fields[#fields + 1] = name end
table.sort(fields)
for _, name in ipairs(fields) do
  redis.call('HINCRBY', ledger, name, sums[name])
  redis.call('HSET', ledger, 'last|' .. string.match(name, '|(.*)$'), now)
end
if not again then redis.call('HSET', KEYS[5], partition, offset) end
return taken

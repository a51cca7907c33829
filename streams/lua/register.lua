-- Enter the events of messages in the books, as accept.lua does for what is written here first. A message that comes
-- again (its worker died) is known by its place and counts nothing; what of it was not recognised is to be finished.
-- KEYS: stream, in-flight set, ledger, prefix of event rows, registered places.
-- ARGV: packed {now_ms, ttl_s, {{lane, offset, whether it was sent again by us, {{id, digest, feed, payload}*}}*}}
local stream, inflight, ledger, rows = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local batch = cmsgpack.unpack(ARGV[1])
local now, ttl = batch[1], batch[2]
local taken, sums, entered, last, furthest = {}, {}, {}, {}, {}
for _, message in ipairs(batch[3]) do
  local lane, offset = message[1], message[2]
  if not last[lane] then last[lane] = tonumber(redis.call('HGET', KEYS[5], lane) or -1) end
  local uncounted = last[lane] >= offset or message[3]
  if offset > (furthest[lane] or last[lane]) then furthest[lane] = offset end
  for _, item in ipairs(message[4]) do
    local id, digest, feed = item[1], item[2], item[3]
    local known = redis.call('SET', rows .. id, digest .. '|', 'NX', 'GET', 'EX', ttl)
    local count
    if not known then
      redis.call('XADD', stream, '*', 'e', item[4])
      redis.call('ZADD', inflight, now, id)
      taken[#taken + 1] = 0
      count = 'accepted|' .. feed
    elseif string.sub(known, 1, 16) ~= digest then
      taken[#taken + 1] = 2
    else
      if #known == 17 and not entered[id] then taken[#taken + 1] = 3 else taken[#taken + 1] = 1 end
      if not uncounted then count = 'duplicate|' .. feed end
    end
    if taken[#taken] ~= 2 then entered[id] = true end
    if count then sums[count] = (sums[count] or 0) + 1 end
  end
end
local fields = {}
for name in pairs(sums) do fields[#fields + 1] = name end
table.sort(fields)
for _, name in ipairs(fields) do
  redis.call('HINCRBY', ledger, name, sums[name])
  redis.call('HSET', ledger, 'last|' .. string.match(name, '|(.*)$'), now)
end
for _, message in ipairs(batch[3]) do
  local lane = message[1]
  if furthest[lane] == message[2] then redis.call('HSET', KEYS[5], lane, message[2]) end
end
return taken

-- Enter decided parts in the ledger; an event ends when its last part is in, as its most telling part says.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes.
-- ARGV: group, packed {{id, feed, part, ranked, shard stream, position}*}
local inflight, ledger, rows, parts_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group = ARGV[1]
for _, item in ipairs(cmsgpack.unpack(ARGV[2])) do
  local id, feed = item[1], item[2]
  local row = redis.call('GET', rows .. id)
  if row and string.sub(row, 18, 18) == '>' then
    redis.call('HSET', parts_of .. id, item[3], item[4])
    local best
    for _, value in ipairs(redis.call('HVALS', parts_of .. id)) do
      if not best or value < best then best = value end
    end
    if best ~= '' then
      local final = string.sub(best, 3)
      redis.call('SET', rows .. id, string.sub(row, 1, 17) .. final, 'KEEPTTL')
      redis.call('DEL', parts_of .. id)
      redis.call('ZREM', inflight, id)
      if string.sub(final, 1, 6) == 'alert:' then final = 'alert' end
      redis.call('HINCRBY', ledger, 'disposed|' .. feed .. '|' .. final, 1)
    end
  end
  redis.call('XACK', item[5], group, item[6])
end
return 1

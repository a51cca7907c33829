-- Enter decided parts in the ledger; an event ends when its last part is in, as its most telling part says. What was said
-- of an event that a human had to decide on is kept: the decision may be undone (rule.lua).
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes.
-- ARGV: group, packed {{id, feed, part, ranked, shard stream, position}*}
local inflight, ledger, rows, parts_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group = ARGV[1]
for _, item in ipairs(cmsgpack.unpack(ARGV[2])) do
  local id, feed = item[1], item[2]
  local row = redis.call('GET', rows .. id)
  if row and string.sub(row, 18, 18) == '>' then
    local hash = parts_of .. id
    if redis.call('HEXISTS', hash, 'withdrawn|' .. item[3]) == 0 then redis.call('HSET', hash, item[3], item[4]) end
    local best
    local reviewed = false
    local said = redis.call('HGETALL', hash)
    for place = 1, #said, 2 do
      if string.sub(said[place], 1, 7) == 'review|' then reviewed = true end
      if not best or said[place + 1] < best then best = said[place + 1] end
    end
    if best ~= '' then
      local final = string.sub(best, 3)
      redis.call('SET', rows .. id, string.sub(row, 1, 17) .. final, 'KEEPTTL')
      if reviewed then
        redis.call('PEXPIRE', hash, redis.call('PTTL', rows .. id))
      else
        redis.call('DEL', hash)
      end
      redis.call('ZREM', inflight, id)
      if string.sub(final, 1, 6) == 'alert:' then final = 'alert' end
      redis.call('HINCRBY', ledger, 'disposed|' .. feed .. '|' .. final, 1)
    end
  end
  redis.call('XACK', item[5], group, item[6])
end
return 1

-- Take an event (or one part of it) again that had been set aside by a fault of ours. The books stay balanced.
-- KEYS: in-flight set, ledger, prefix of event rows, stream, prefix of part hashes.
-- ARGV: id, feed, now_ms, field, payload, part ('' for the whole event)
local rows, id, part = KEYS[3], ARGV[1], ARGV[6]
local row = redis.call('GET', rows .. id)
if not row then return 0 end
local final = string.sub(row, 18)
if string.sub(final, 1, 12) == 'quarantined:' then
  redis.call('SET', rows .. id, string.sub(row, 1, 17) .. (part == '' and '' or '>'), 'KEEPTTL')
  redis.call('HINCRBY', KEYS[2], 'disposed|' .. ARGV[2] .. '|' .. final, -1)
  redis.call('ZADD', KEYS[1], ARGV[3], id)
elseif part == '' then
  return 0
end
if part ~= '' and string.sub(redis.call('GET', rows .. id), 18, 18) == '>' then
  redis.call('HSET', KEYS[5] .. id, part, '')
end
redis.call('XADD', KEYS[4], '*', ARGV[4], ARGV[5])
return 1

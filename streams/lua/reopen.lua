-- Take an event (or one part of it) again that had been set aside by a fault of ours. The books stay balanced.
-- KEYS: in-flight set, ledger, prefix of event rows, stream.  ARGV: id, feed, now_ms, field, payload, state ('' or '>1')
local row = redis.call('GET', KEYS[3] .. ARGV[1])
if not row then return 0 end
local final = string.sub(row, 18)
if string.sub(final, 1, 12) == 'quarantined:' then
  redis.call('SET', KEYS[3] .. ARGV[1], string.sub(row, 1, 17) .. ARGV[6], 'KEEPTTL')
  redis.call('HINCRBY', KEYS[2], 'disposed|' .. ARGV[2] .. '|' .. final, -1)
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
elseif ARGV[6] == '' then
  return 0
end
redis.call('XADD', KEYS[4], '*', ARGV[4], ARGV[5])
return 1

-- Send parts to the new owners of an occurrence. Their event does not end before they are in, unless it has ended.
-- KEYS: prefix of event rows, prefix of part hashes.  ARGV: packed {{part, shard stream, payload, event id}*}
local rows, parts_of = KEYS[1], KEYS[2]
for _, item in ipairs(cmsgpack.unpack(ARGV[1])) do
  local row = redis.call('GET', rows .. item[4])
  if row and string.sub(row, 18, 18) == '>' then redis.call('HSETNX', parts_of .. item[4], item[1], '') end
  redis.call('XADD', item[2], '*', 'm', item[3])
end
return 1

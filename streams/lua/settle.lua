-- Enter decided parts in the ledger; an event ends when its last part is in, as its most telling part says.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes.
-- ARGV: group, packed {{id, feed, part, ranked, shard stream, position}*}
local books = { inflight = KEYS[1], ledger = KEYS[2], rows = KEYS[3], parts = KEYS[4] }
local group = ARGV[1]
for _, item in ipairs(cmsgpack.unpack(ARGV[2])) do
  local id, feed, part = item[1], item[2], item[3]
  local row = redis.call('GET', books.rows .. id)
  if row and string.sub(row, 18, 18) == '>' then
    local hash = books.parts .. id
    if redis.call('HEXISTS', hash, 'withdrawn|' .. part) == 0 then redis.call('HSET', hash, part, item[4]) end
    concluded(books, id, row, feed)
  end
  redis.call('XACK', item[5], group, item[6])
end
return 1

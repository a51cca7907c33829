-- Send parts on: to the new owners of an occurrence, or after a decision that they had missed. Their event does not end
-- before they are in.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes.
-- ARGV: ranks packed {ending = rank}, packed {{part, shard stream, payload, event id, feed}*}
local books = { inflight = KEYS[1], ledger = KEYS[2], rows = KEYS[3], parts = KEYS[4], ranks = cmsgpack.unpack(ARGV[1]) }
for _, item in ipairs(cmsgpack.unpack(ARGV[2])) do
  joins(books, item[1], item[4], item[5])
  redis.call('XADD', item[2], '*', 'm', item[3])
end
return 1

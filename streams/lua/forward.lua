-- Move a batch past recognition: send parts on, end what ends here. A repeat after a lost reply changes nothing.
-- An event under way is '>' in its row; its parts are in a hash, '' until they are in.
-- A review is put into the queue in the same step: decided meanwhile, it does not wait again.
-- KEYS: stream, in-flight set, ledger, prefix of event rows, prefix of part hashes, queue of reviews, prefix of reviews,
-- closed reviews, prefix of cases, audit stream.
-- ARGV: group, packed {{id, feed, position, final or '', {{part, ranked}*}, {{part, shard stream, payload}*},
-- {{part, shard stream, payload, its event id, its feed}*} of revived amendments, {{id, payload, ttl_s, place_ms}*} of reviews,
-- {{id, payload, ttl_s, now_ms, case, version, case_ttl_s, audit entry, {key*} of what it was decided through}*} of
-- reviews decided before}*}, ranks packed {ending = rank}, packed {{key, size}*} of what recognition rested on (books.lua):
-- where that does not hold, nothing is moved and the answer is below 0; packed what to remember (books.lua)
local stream, inflight, ledger, rows, parts_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local group = ARGV[1]
local wrong = changed(cmsgpack.unpack(ARGV[4]))
if wrong < 0 then return wrong end
remember(cmsgpack.unpack(ARGV[5]))
local books = { inflight = inflight, ledger = ledger, rows = rows, parts = parts_of, ranks = cmsgpack.unpack(ARGV[3]) }
local sums, positions = {}, {}
for _, item in ipairs(cmsgpack.unpack(ARGV[2])) do
  local id, feed, final, ended, parts, revived = item[1], item[2], item[4], item[5], item[6], item[7]
  positions[#positions + 1] = item[3]
  local row = redis.call('GET', rows .. id)
  if row and #row == 17 then
    local digest = string.sub(row, 1, 17)
    if final ~= '' then
      redis.call('SET', rows .. id, digest .. final, 'KEEPTTL')
      redis.call('ZREM', inflight, id)
      local name = 'disposed|' .. feed .. '|' .. final
      sums[name] = (sums[name] or 0) + 1
      if #item[8] + #item[9] > 0 then
        for _, part in ipairs(ended) do redis.call('HSET', parts_of .. id, part[1], part[2]) end
        redis.call('PEXPIRE', parts_of .. id, redis.call('PTTL', rows .. id))
      end
    else
      for _, part in ipairs(ended) do redis.call('HSET', parts_of .. id, part[1], part[2]) end
      for _, part in ipairs(parts) do
        redis.call('HSET', parts_of .. id, part[1], '')
        redis.call('XADD', part[2], '*', 'm', part[3])
      end
      redis.call('SET', rows .. id, digest .. '>', 'KEEPTTL')
    end
    for _, review in ipairs(item[8]) do
      if redis.call('SET', KEYS[7] .. review[1], review[2], 'NX', 'EX', review[3]) then
        redis.call('ZADD', KEYS[6], review[4], review[1])
      end
    end
    for _, review in ipairs(item[9]) do
      if redis.call('SET', KEYS[7] .. review[1], review[2], 'NX', 'EX', review[3]) then
        redis.call('HSETNX', parts_of .. id, 'review|' .. review[1], '9|-')
        redis.call('HSET', KEYS[9] .. review[1], 'v', review[6], 'b', review[5])
        redis.call('EXPIRE', KEYS[9] .. review[1], review[7])
        redis.call('ZADD', KEYS[8], review[4], review[1])
        redis.call('XADD', KEYS[10], '*', 'b', review[8])
        for _, through in ipairs(review[9]) do
          redis.call('ZADD', through, review[4], review[1])
          redis.call('ZREMRANGEBYSCORE', through, '-inf', review[4] - review[3] * 1000)
          redis.call('EXPIRE', through, review[3])
        end
      end
    end
    for _, part in ipairs(revived) do
      joins(books, part[1], part[4], part[5])
      redis.call('XADD', part[2], '*', 'm', part[3])
    end
  end
end
local fields = {}
for name in pairs(sums) do fields[#fields + 1] = name end
table.sort(fields)
for _, name in ipairs(fields) do redis.call('HINCRBY', ledger, name, sums[name]) end
for first = 1, #positions, 1000 do
  redis.call('XACK', stream, group, unpack(positions, first, math.min(first + 999, #positions)))
end
return #positions

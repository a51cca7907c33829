-- One step of a review: the case, the queue, the books of its event, what goes out, what is remembered, the audit; all of
-- it or nothing. A step on a case that has moved on changes nothing and answers 0.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes, case, item, queue, closed ones, audit stream,
-- revision, counts of steps.
-- ARGV: ranks packed {ending = rank}, packed {seen version, new version, case, review id, event id, feed, now_ms,
-- state, place_ms, case_ttl_s, item or '', item_ttl_s, ranked ending or '', {other waiting reviews of the event*},
-- {{part, stream, payload}*}, {withdrawn part*}, {{part, stream, payload, event id, feed}*} revived,
-- {{link key, value}*}, link_ttl_s, {{link key, value}*} forgotten, {key, member, value or '', ttl_s} or {} remembered,
-- {audit entry*}, {payload, ttl_s, most, {key*}} or {} parked, word for the step, {key, ttl_s} or {} of what it was
-- decided through}
local case, item, queue, closed = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local ranks, told = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local review, id, feed, now, state = told[4], told[5], told[6], told[7], told[8]
local ending, parts = told[13], told[15]
local books = { inflight = KEYS[1], ledger = KEYS[2], rows = KEYS[3], parts = KEYS[4], ranks = ranks }
local WAITS, DECIDED = ranks['review'] .. '|review', '9|-'

if tostring(redis.call('HGET', case, 'v') or '1') ~= tostring(told[1]) then return 0 end

local row = redis.call('GET', books.rows .. id)
local stands = row and string.sub(row, 18) or ''
if stands ~= '' then
  local hash = books.parts .. id
  if stands ~= '>' then reopened(books, id, row, feed, now) end
  for _, other in ipairs(told[14]) do redis.call('HSETNX', hash, 'review|' .. other, WAITS) end
  redis.call('HSET', hash, 'review|' .. review, ending == '' and DECIDED or ending)
  if #told[14] == 0 and ending ~= WAITS and redis.call('HGET', hash, 'before') == WAITS then
    redis.call('HDEL', hash, 'before')
  end
  for _, part in ipairs(told[16]) do
    redis.call('HDEL', hash, part)
    redis.call('HSET', hash, 'withdrawn|' .. part, DECIDED)
  end
  for _, part in ipairs(parts) do redis.call('HSET', hash, part[1], '') end
  concluded(books, id, row, feed)
end
for _, part in ipairs(told[17]) do
  joins(books, part[1], part[4], part[5])
  redis.call('XADD', part[2], '*', 'm', part[3])
end
for _, part in ipairs(parts) do redis.call('XADD', part[2], '*', 'm', part[3]) end

for _, link in ipairs(told[18]) do
  redis.call('SADD', link[1], link[2])
  redis.call('EXPIRE', link[1], told[19])
end
for _, link in ipairs(told[20]) do redis.call('SREM', link[1], link[2]) end
local parked = told[23]
for _, key in ipairs(parked[4] or {}) do
  redis.call('RPUSH', key, parked[1])
  redis.call('LTRIM', key, -parked[3], -1)
  redis.call('EXPIRE', key, parked[2])
end
local said = told[21]
if said[1] and said[3] == '' then
  redis.call('HDEL', said[1], said[2])
elseif said[1] then
  redis.call('HSET', said[1], said[2], said[3])
  redis.call('EXPIRE', said[1], said[4])
end

redis.call('HSET', case, 'v', told[2], 'b', told[3])
redis.call('EXPIRE', case, told[10])
if told[11] == '' then redis.call('EXPIRE', item, told[12]) else redis.call('SET', item, told[11], 'EX', told[12]) end
if state == 'waiting' then
  redis.call('ZADD', queue, told[9], review)
  redis.call('ZREM', closed, review)
else
  redis.call('ZREM', queue, review)
  redis.call('ZADD', closed, now, review)
end
redis.call('ZREMRANGEBYSCORE', closed, '-inf', now - told[10] * 1000)
local through = told[25]
if through[1] then
  redis.call('ZADD', through[1], now, review)
  redis.call('ZREMRANGEBYSCORE', through[1], '-inf', now - through[2] * 1000)
  redis.call('EXPIRE', through[1], through[2])
end
for _, entry in ipairs(told[22]) do redis.call('XADD', KEYS[9], '*', 'b', entry) end
redis.call('INCR', KEYS[10])
redis.call('HINCRBY', KEYS[11], told[24], 1)
return 1

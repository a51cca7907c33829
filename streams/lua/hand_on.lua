-- Send on what look-back found. A part that was decided before, or is under way, is not sent; a review that is known does
-- not wait again. An event that had ended is under way again until what is new is in; its old ending, or all that is kept
-- of what was said of it (books.lua), counts beside that, so that the most telling one stands.
-- KEYS: in-flight set, ledger, prefix of event rows, prefix of part hashes, key of the progress, queue of reviews, prefix
-- of reviews.
-- ARGV: now_ms, ranks packed {ending = rank}, progress, packed {{id, feed,
-- {{part, key of the decided part, shard stream, payload}*}, {{id, payload, ttl_s, place_ms}*} of reviews}*}, packed {{key, size}*}
-- of what the findings rest on (books.lua): where that does not hold, nothing is sent and the answer is below 0; packed
-- what to remember (books.lua)
local books = { inflight = KEYS[1], ledger = KEYS[2], rows = KEYS[3], parts = KEYS[4], ranks = cmsgpack.unpack(ARGV[2]) }
local now = ARGV[1]
local wrong = changed(cmsgpack.unpack(ARGV[5]))
if wrong < 0 then return wrong end
remember(cmsgpack.unpack(ARGV[6]))

local sent = 0
for _, item in ipairs(cmsgpack.unpack(ARGV[4])) do
  local id, feed = item[1], item[2]
  local row = redis.call('GET', books.rows .. id)
  local state = row and string.sub(row, 18) or ''
  local hash = books.parts .. id
  local parts, reviews = {}, {}
  for _, part in ipairs(item[3]) do
    local waits = state == '>' and redis.call('HEXISTS', hash, part[1]) == 1
    if not waits and redis.call('EXISTS', part[2]) == 0 then parts[#parts + 1] = part end
  end
  for _, review in ipairs(item[4]) do
    if redis.call('SET', KEYS[7] .. review[1], review[2], 'NX', 'EX', review[3]) then
      redis.call('ZADD', KEYS[6], review[4], review[1])
      reviews[#reviews + 1] = review
    end
  end
  if state ~= '' and #parts + #reviews > 0 then
    if state ~= '>' then reopened(books, id, row, feed, now) end
    for _, review in ipairs(reviews) do
      redis.call('HSETNX', hash, 'review|' .. review[1], books.ranks['review'] .. '|review')
    end
    for _, part in ipairs(parts) do redis.call('HSET', hash, part[1], '') end
    concluded(books, id, row, feed)
  end
  for _, part in ipairs(parts) do
    redis.call('XADD', part[3], '*', 'm', part[4])
    sent = sent + 1
  end
end
redis.call('SET', KEYS[5], ARGV[3])
return sent

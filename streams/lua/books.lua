-- Put before scripts that send on parts of events which may have ended long ago. `books` names the in-flight set, the
-- ledger, the prefixes of event rows and part hashes, and the rank of each ending.
-- One part more of an event: it ends with this one too. An event that had ended is under way again, and its old ending
-- (or all that is kept of what was said of it) counts beside the new part.
local function joins(books, part, id, feed)
  local row = redis.call('GET', books.rows .. id)
  local state = row and string.sub(row, 18) or ''
  local hash = books.parts .. id
  if state == '>' then
    redis.call('HSETNX', hash, part, '')
  elseif state ~= '' then
    if redis.call('EXISTS', hash) == 0 then
      redis.call('HSET', hash, 'before', books.ranks[string.match(state, '^[^:]*')] .. '|' .. state)
    end
    local name = string.sub(state, 1, 6) == 'alert:' and 'alert' or state
    redis.call('HINCRBY', books.ledger, 'disposed|' .. feed .. '|' .. name, -1)
    redis.call('SET', books.rows .. id, string.sub(row, 1, 17) .. '>', 'KEEPTTL')
    redis.call('ZADD', books.inflight, redis.call('TIME')[1] * 1000, id)
    redis.call('HSET', hash, part, '')
  end
end


-- The books of an event, put before every script that writes them. `books` names the in-flight set, the ledger, the
-- prefixes of event rows and part hashes, and, for whoever reopens, the rank of each ending.
-- A row is 17 bytes of what was accepted and then how the event stands: '' not recognised yet, '>' under way, else its
-- ending. While it is under way its part hash holds what each part said, '' until it is in.

-- Whether what a step rests on still holds: `asked` is {{key, size}*} of links, {{key, size, false, event id of the last
-- or ''}*} of waiting amendments (a full list does not grow), and {key, version, true} of the cohort that look-back has begun for, where ours may be later. 0, or -1: learn again; -2: an older cohort.
local function changed(asked)
  for _, each in ipairs(asked) do
    if each[3] then
      if tonumber(redis.call('GET', each[1]) or 0) > each[2] then return -2 end
    else
      local kind, size = redis.call('TYPE', each[1])['ok'], 0
      if kind == 'set' then size = redis.call('SCARD', each[1]) elseif kind == 'list' then size = redis.call('LLEN', each[1]) end
      if size ~= each[2] then return -1 end
      if (each[4] or '') ~= '' and not string.find(redis.call('LINDEX', each[1], -1), each[4], 1, true) then return -1 end
    end
  end
  return 0
end

-- Keeps links and waiting amendments, in the same step as all else: {link ttl_s, {{key, value}*}, ttl_s of what waits, how
-- many wait under a key, {{payload, {key*}}*}}; nothing where it is empty.
local function remember(what)
  if not what[1] then return end
  for _, link in ipairs(what[2]) do
    redis.call('SADD', link[1], link[2])
    redis.call('EXPIRE', link[1], what[1])
  end
  for _, waiting in ipairs(what[5]) do
    for _, key in ipairs(waiting[2]) do
      redis.call('LREM', key, 0, waiting[1])
      redis.call('RPUSH', key, waiting[1])
      redis.call('LTRIM', key, -what[4], -1)
      redis.call('EXPIRE', key, what[3])
    end
  end
end

-- Adds to the count of an ending; alerts are counted without their ids.
local function counted(books, feed, ending, by)
  local name = string.sub(ending, 1, 6) == 'alert:' and 'alert' or ending
  redis.call('HINCRBY', books.ledger, 'disposed|' .. feed .. '|' .. name, by)
end

-- An event that had ended is under way again. Its old ending, or all that is kept of what was said of it, counts beside
-- what comes.
local function reopened(books, id, row, feed, now)
  local ending, hash = string.sub(row, 18), books.parts .. id
  if redis.call('EXISTS', hash) == 0 then
    redis.call('HSET', hash, 'before', books.ranks[string.match(ending, '^[^:]*')] .. '|' .. ending)
  end
  counted(books, feed, ending, -1)
  redis.call('SET', books.rows .. id, string.sub(row, 1, 17) .. '>', 'KEEPTTL')
  redis.call('ZADD', books.inflight, now, id)
end

-- Ends an event whose parts are all in, as the most telling of them says; one that waits for a part stays under way. What
-- was said of an event that a human had to decide on is kept as long as its row: the decision may be undone (rule.lua).
local function concluded(books, id, row, feed)
  local hash, best, reviewed = books.parts .. id, nil, false
  local said = redis.call('HGETALL', hash)
  for place = 1, #said, 2 do
    if string.sub(said[place], 1, 7) == 'review|' then reviewed = true end
    if not best or said[place + 1] < best then best = said[place + 1] end
  end
  if best == '' then return end
  local ending = string.sub(best, 3)
  redis.call('SET', books.rows .. id, string.sub(row, 1, 17) .. ending, 'KEEPTTL')
  if reviewed then
    redis.call('PEXPIRE', hash, redis.call('PTTL', books.rows .. id))
  else
    redis.call('DEL', hash)
  end
  redis.call('ZREM', books.inflight, id)
  counted(books, feed, ending, 1)
end

-- One part more of an event: it ends with this one too.
local function joins(books, part, id, feed)
  local row = redis.call('GET', books.rows .. id)
  local state = row and string.sub(row, 18) or ''
  if state == '>' then
    redis.call('HSETNX', books.parts .. id, part, '')
  elseif state ~= '' then
    reopened(books, id, row, feed, redis.call('TIME')[1] * 1000)
    redis.call('HSET', books.parts .. id, part, '')
  end
end


-- The offset up to which a lane was taken; it never goes back.  KEYS: registered places.  ARGV: lane, offset.
local last = redis.call('HGET', KEYS[1], ARGV[1])
if not last or tonumber(last) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1

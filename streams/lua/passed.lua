-- The offsets up to which lanes were taken; none ever goes back.  KEYS: registered places.  ARGV: {lane, offset}*.
for at = 1, #ARGV, 2 do
  local last = redis.call('HGET', KEYS[1], ARGV[at])
  if not last or tonumber(last) < tonumber(ARGV[at + 1]) then redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
return 1
